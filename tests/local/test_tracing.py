"""A trace is told in the order of time, children under what caused them."""

from privity.tracing import lines

SPANS = [
    {"id": "c", "parentId": "b", "name": "append", "timestamp": 3000, "duration": 500},
    {"id": "a", "parentId": "unknown", "name": "receive", "timestamp": 1000, "duration": 9000},
    {"id": "b", "parentId": "a", "name": "emit", "timestamp": 2500, "duration": 100},
    {"id": "d", "parentId": "a", "name": "reply", "timestamp": 2000},
]


def test_children_are_indented_under_their_parent_in_order_of_time() -> None:
    shown = [line[26:] for line in lines(SPANS)]
    assert shown == ["?: receive", "  ?: reply", "  ?: emit", "    ?: append"]


def test_each_line_says_when_it_began_and_how_long_it_took() -> None:
    assert list(lines(SPANS))[2].split() == ["1.5", "ms", "0.1", "ms", "?:", "emit"]
