"""The tree against Certificate Transparency's reference vectors and RFC 6962's own recursion."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import merkle

LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    bytes.fromhex(root)
    for root in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
}
CONSISTENCY = {
    (1, 1): [],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


# The oracle: RFC 6962 §2.1 as it is written, recursion and slices.


def tree_hash(entries: list[bytes]) -> bytes:
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = largest_power_below(len(entries))
    return sha256(b"\x01" + tree_hash(entries[:k]) + tree_hash(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = largest_power_below(len(entries))
    if m < k:
        return [*path(m, entries[:k]), tree_hash(entries[k:])]
    return [*path(m - k, entries[k:]), tree_hash(entries[:k])]


def subproof(m: int, entries: list[bytes], whole: bool) -> list[bytes]:
    if m == len(entries):
        return [] if whole else [tree_hash(entries)]
    k = largest_power_below(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], whole), tree_hash(entries[k:])]
    return [*subproof(m - k, entries[k:], False), tree_hash(entries[:k])]


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def grown(entries: list[bytes], batches: list[int] | None = None) -> dict[merkle.Node, bytes]:
    """The stored hashes of a log that took the entries in batches of these sizes."""
    stored: dict[merkle.Node, bytes] = {}
    leaves, size = [merkle.leaf_hash(entry) for entry in entries], 0
    for batch in [*(batches or []), len(leaves)]:
        edge = {node: stored[node] for node in merkle.covering((0, size))}
        stored.update(merkle.extend(size, edge, leaves[size : size + batch]))
        size = min(size + batch, len(leaves))
    return stored


def numbered(n: int) -> list[bytes]:
    return [b"entry %d" % index for index in range(n)]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference_tree(size: int) -> None:
    assert merkle.root(size, grown(LEAVES)) == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_are_those_of_the_reference_tree(index: int, size: int) -> None:
    proof = merkle.proof(merkle.inclusion_spans(index, size), grown(LEAVES))
    assert [step.hex() for step in proof] == INCLUSION[index, size]


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_proofs_are_those_of_the_reference_tree(old: int, new: int) -> None:
    proof = merkle.proof(merkle.consistency_spans(old, new), grown(LEAVES))
    assert [step.hex() for step in proof] == CONSISTENCY[old, new]


@given(st.integers(0, 300), st.lists(st.integers(0, 70), max_size=8))
def test_every_way_of_appending_gives_the_tree_that_the_rfc_defines(
    n: int, batches: list[int]
) -> None:
    assert merkle.root(n, grown(numbered(n), batches)) == tree_hash(numbered(n))


@given(st.data())
def test_every_inclusion_proof_is_the_path_that_the_rfc_defines(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    stored = grown(numbered(size + data.draw(st.integers(0, 20))))
    proof = merkle.proof(merkle.inclusion_spans(index, size), stored)
    assert proof == path(index, numbered(size))


@given(st.data())
def test_every_consistency_proof_is_the_one_that_the_rfc_defines(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 300))
    old = data.draw(st.integers(1, new))
    stored = grown(numbered(new + data.draw(st.integers(0, 20))))
    proof = merkle.proof(merkle.consistency_spans(old, new), stored)
    assert proof == subproof(old, numbered(new), True)


@given(st.integers(1, 2**40), st.data())
def test_a_proof_reads_few_hashes_however_large_the_tree(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    height = size.bit_length()
    assert len(merkle.nodes_of(merkle.inclusion_spans(index, size))) <= 2 * height
    assert len(merkle.nodes_of(merkle.consistency_spans(index + 1, size))) <= 2 * height
    assert len(merkle.covering((0, size))) <= height


@given(st.integers(0, 2000), st.integers(0, 200))
def test_appending_reads_only_the_edge_and_stores_fewer_than_two_hashes_a_leaf(
    size: int, batch: int
) -> None:
    edge = {node: b"\x00" * 32 for node in merkle.covering((0, size))}
    made = merkle.extend(size, edge, [b"\x01" * 32] * batch)
    assert not made.keys() & edge.keys()
    assert len(made) <= 2 * batch + size.bit_length()


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_there_is_no_proof_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_spans(index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3)])
def test_there_is_no_consistency_proof_from_nothing_or_backwards(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="no consistency proof"):
        merkle.consistency_spans(old, new)


@given(st.integers(1, 200), st.sets(st.integers(0, 199)))
def test_leaves_and_the_subtrees_between_them_give_the_root(size: int, chosen: set[int]) -> None:
    leaves = [merkle.leaf_hash(b"%d" % index) for index in range(size)]
    hashes = merkle.extend(0, {}, leaves)
    indexes = sorted(one for one in chosen if one < size)
    known = {span: merkle.span_hash(span, hashes) for span in merkle.gaps_between(indexes, size)}

    def root(start: int, end: int) -> bytes:
        if (start, end) in known:
            return known[start, end]
        if end - start == 1:
            assert start in chosen
            return leaves[start]
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        return merkle.node_hash(root(start, middle), root(middle, end))

    assert root(0, size) == merkle.root(size, hashes)
    assert len(known) <= max(1, len(indexes)) * size.bit_length()
