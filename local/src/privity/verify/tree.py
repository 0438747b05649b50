"""The tree of RFC 6962 §2.1, out of all its leaves or out of some and the subtrees between them."""

from collections.abc import Mapping
from hashlib import sha256

Span = tuple[int, int]
"""Leaves [start, end)."""


class Stack:
    """RFC 6962's Merkle Tree Hash of the leaves pushed so far."""

    def __init__(self) -> None:
        self.peaks: list[tuple[int, bytes]] = []

    def push(self, hashed: bytes) -> None:
        height = 0
        while self.peaks and self.peaks[-1][0] == height:
            hashed = sha256(b"\x01" + self.peaks.pop()[1] + hashed).digest()
            height += 1
        self.peaks.append((height, hashed))

    def root(self) -> bytes:
        if not self.peaks:
            return sha256(b"").digest()
        whole = self.peaks[-1][1]
        for _, left in reversed(self.peaks[:-1]):
            whole = sha256(b"\x01" + left + whole).digest()
        return whole


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def root_of_some(size: int, leaves: Mapping[int, bytes], spans: Mapping[Span, bytes]) -> bytes:
    """The root of a tree of which some leaves are known, and the hash of every subtree without any
    of them. Raises ValueError unless each leaf is used, and nothing is missing."""
    used: set[int] = set()

    def hashed(start: int, end: int) -> bytes:
        if (found := spans.get((start, end))) is not None:
            return found
        if end - start == 1:
            if start not in leaves:
                raise ValueError(f"leaf {start} is missing")
            used.add(start)
            return leaves[start]
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        return sha256(b"\x01" + hashed(start, middle) + hashed(middle, end)).digest()

    root = hashed(0, size) if size else sha256(b"").digest()
    if used != leaves.keys():
        raise ValueError("a leaf stands where the proof has another hash")
    return root
