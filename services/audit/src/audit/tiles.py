"""C2SP tlog-tiles (c2sp.org/tlog-tiles): how the tree and its entries are laid out for plain HTTP.

Tiles are 256 hashes wide; a tile or bundle once named by a path never changes its bytes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 8
WIDTH = 1 << HEIGHT
MAX_LEVEL = 63
MAX_ENTRY = 0xFFFF

_PATH = re.compile(
    r"(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,5}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True)
class Tile:
    """`level` None is a bundle of entries; `index` counts within the level; `width` is 1 to 256."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Below the log's address, as `tile/1/x001/x234/067.p/17`."""
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_elements(self.index)}{partial}"

    @property
    def tree_level(self) -> int:
        """The level in the Merkle tree of the hashes in this tile."""
        return (self.level or 0) * HEIGHT

    @property
    def first(self) -> int:
        """The position, within its tree level, of the first hash or entry."""
        return self.index * WIDTH


def parse_path(path: str) -> Tile | None:
    """What follows `tile/`; None for anything that the specification does not spell just so."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    level = None if match["level"] == "entries" else int(match["level"])
    index = int(match["index"].replace("x", "").replace("/", ""))
    tile = Tile(level, index, int(match["width"] or WIDTH))
    sound = (level or 0) <= MAX_LEVEL and tile.width <= WIDTH
    return tile if sound and tile.path == f"tile/{path}" else None


def width_in(tile: Tile, size: int) -> int:
    """How many hashes a tree of `size` has at this tile's place: 0 (no tile) to 256 (full)."""
    return max(0, min(WIDTH, (size >> tile.tree_level) - tile.first))


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries, each after its length as a big-endian uint16."""
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def _elements(index: int) -> str:
    """1234067 becomes x001/x234/067."""
    path = f"{index % 1000:03}"
    while index := index // 1000:
        path = f"x{index % 1000:03}/{path}"
    return path
