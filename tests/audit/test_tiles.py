"""Paths and widths as the specification's own examples give them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.tiles import Tile, bundle, parse_path, width_in


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(1, 1234067), "tile/1/x001/x234/067"),
        (Tile(0, 999), "tile/0/999"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(63, 5, 1), "tile/63/005.p/1"),
        (Tile(None, 273, 112), "tile/entries/273.p/112"),
        (Tile(None, 1234067), "tile/entries/x001/x234/067"),
    ],
)
def test_a_tile_has_the_path_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_path(path.removeprefix("tile/")) == tile


@pytest.mark.parametrize(
    "path",
    [
        "0/0",
        "0/0000",
        "00/000",
        "64/000",
        "-1/000",
        "0/x000/001",
        "0/1234067",
        "0/001/234",
        "0/x001",
        "0/000.p/0",
        "0/000.p/01",
        "0/000.p/256",
        "0/000.p/300",
        "0/000.p",
        "0/000/",
        "entry/000",
        "data/000",
        "0/٠٠٠",
        "0/000\n",
        "../checkpoint",
        "",
    ],
)
def test_no_other_spelling_names_a_tile(path: str) -> None:
    assert parse_path(path) is None


@given(st.integers(0, 10**17), st.integers(1, 256), st.none() | st.integers(0, 63))
def test_every_tile_is_read_back_from_its_path(index: int, width: int, level: int | None) -> None:
    tile = Tile(level, index, width)
    assert parse_path(tile.path.removeprefix("tile/")) == tile


def test_a_tree_of_70000_has_the_tiles_of_the_specification() -> None:
    def widths(level: int) -> list[int]:
        return [width for n in range(300) if (width := width_in(Tile(level, n), 70_000))]

    assert widths(0) == [256] * 273 + [112]
    assert widths(1) == [256, 17]
    assert widths(2) == [1]
    assert widths(3) == []


def test_a_tree_of_256_has_one_full_tile_and_a_partial_one_above_it() -> None:
    assert width_in(Tile(0, 0), 256) == 256
    assert width_in(Tile(0, 1), 256) == 0
    assert width_in(Tile(1, 0), 256) == 1
    assert width_in(Tile(None, 0), 256) == 256


def test_a_bundle_puts_each_length_before_its_entry_big_endian() -> None:
    assert (
        bundle([b"ab", b"", b"c" * 258]) == b"\x00\x02ab" + b"\x00\x00" + b"\x01\x02" + b"c" * 258
    )
