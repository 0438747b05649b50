"""The Merkle tree of RFC 6962 §2.1 (RFC 9162 §2.1) over SHA-256, as arithmetic on stored hashes.

Every *complete* subtree's hash is stored once and never changes; roots and proofs of any size are
then put together from O(log n) of them. Nothing here reads a database.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import chain

Node = tuple[int, int]
"""(level, index): the complete subtree over the leaves [index << level, (index + 1) << level)."""

Span = tuple[int, int]
"""Leaves [start, end) whose Merkle Tree Hash a proof needs."""

EMPTY_ROOT = sha256().digest()


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def covering(span: Span) -> list[Node]:
    """The complete subtrees that make up a span, left to right, each smaller than the one before.

    The span is one that RFC 6962 splits off: its start is a multiple of the subtree it begins with.
    """
    start, end = span
    nodes: list[Node] = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def span_hash(span: Span, hashes: Mapping[Node, bytes]) -> bytes:
    """The Merkle Tree Hash of a span: its complete subtrees joined from the right."""
    nodes = covering(span)
    if not nodes:
        return EMPTY_ROOT
    joined = hashes[nodes.pop()]
    while nodes:
        joined = node_hash(hashes[nodes.pop()], joined)
    return joined


def root(size: int, hashes: Mapping[Node, bytes]) -> bytes:
    return span_hash((0, size), hashes)


def grow(size: int, edge: Mapping[Node, bytes], leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Append leaf hashes to a tree of `size`; `edge` holds at least `covering((0, size))`.

    Returns the hashes of every subtree that became complete, a list a level from the leaves up,
    each from left to right: n leaves make fewer than 2n of them plus the height of the tree.
    """
    levels: list[list[bytes]] = []
    made = list(leaves)
    while made:
        levels.append(made)
        first = size >> len(levels) - 1
        # An odd place is a right child: its left sibling stands at the edge of the tree before.
        row = [edge[len(levels) - 1, first - 1], *made] if first & 1 else made
        made = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=False)]
    return levels


def edge_of(size: int, levels: Sequence[Sequence[bytes]]) -> dict[Node, bytes]:
    """The last hash of each level that `grow` made, as the edge of the tree that has now `size`."""
    return {(level, (size >> level) - 1): row[-1] for level, row in enumerate(levels)}


def made_by(size: int, grown: int) -> list[Node]:
    """The subtrees that the leaves [size, grown) make complete, in the order of `grow`."""
    return [
        (level, position)
        for level in range(grown.bit_length())
        for position in range(size >> level, grown >> level)
    ]


def extend(size: int, edge: Mapping[Node, bytes], leaves: Sequence[bytes]) -> dict[Node, bytes]:
    """As `grow`, by their nodes."""
    hashes = chain.from_iterable(grow(size, edge, leaves))
    return dict(zip(made_by(size, size + len(leaves)), hashes, strict=True))


def inclusion_spans(index: int, size: int) -> list[Span]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1 as spans, lowest first."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    spans: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """PROOF(old, D[new]) of RFC 6962 §2.1.2 as spans, in the order of the proof."""
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from {old} to {new}")
    spans: list[Span] = []
    start, end = 0, new
    while end != old:
        middle = _split(start, end)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    if start:  # the old tree is not itself a subtree of the new one, so its last part is named
        spans.append((start, end))
    return spans[::-1]


def nodes_of(spans: Iterable[Span]) -> list[Node]:
    """Which stored hashes a proof reads."""
    return [node for span in spans for node in covering(span)]


def proof(spans: Iterable[Span], hashes: Mapping[Node, bytes]) -> list[bytes]:
    return [span_hash(span, hashes) for span in spans]


def _split(start: int, end: int) -> int:
    """The largest power of two smaller than the width, as RFC 6962 splits a tree."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def gaps_between(indexes: Sequence[int], size: int) -> list[Span]:
    """The subtrees without any of these leaves (ascending): with their hashes, the leaves give the
    root of a tree of `size`. One proof for many entries, never larger than theirs together."""
    found: list[Span] = []
    _leave_out(indexes, 0, size, found)
    return found


def _leave_out(indexes: Sequence[int], start: int, end: int, found: list[Span]) -> None:
    at = bisect_left(indexes, start)
    if at == len(indexes) or indexes[at] >= end:
        if start < end:
            found.append((start, end))
        return
    if end - start > 1:
        middle = _split(start, end)
        _leave_out(indexes, start, middle, found)
        _leave_out(indexes, middle, end, found)
