"""Cursors: only those of the list itself are taken."""

from uuid import UUID

import pytest
from sqlmodel import Field, SQLModel, select

from shared.errors import Invalid
from shared.ids import new_id
from shared.pages import PageRequest, one_page, page, page_request


class Thing(SQLModel, table=True):
    thing_id: UUID = Field(primary_key=True)


def test_the_cursor_of_a_page_leads_to_the_rows_after_it() -> None:
    ids = [new_id() for _ in range(3)]
    first = page(ids, PageRequest(limit=2), str, lambda row: [str(row)])
    assert (first.items, first.next is not None) == ([str(one) for one in ids[:2]], True)
    following = page_request(2, first.next)
    assert following.after_id() == ids[1]
    wanted = one_page(select(Thing), Thing.thing_id, following)
    assert wanted.compile().params == {"thing_id_1": ids[1], "param_1": 3}


def test_without_a_cursor_a_list_begins_at_its_beginning() -> None:
    assert page_request(2).after_id() is None
    assert "WHERE" not in str(one_page(select(Thing), Thing.thing_id, page_request(2)))


@pytest.mark.parametrize(
    "key", [[], [1], [None], [True], [{}], [[]], ["x"], [str(UUID(int=1)), "more"]], ids=repr
)
def test_a_cursor_that_decodes_to_something_else_is_refused(key: list[object]) -> None:
    with pytest.raises(Invalid, match="cursor"):
        PageRequest(limit=2, after=key).after_id()


@pytest.mark.parametrize("cursor", ["%%", "é", "bnVsbA", "e30", "IngiIQ", "W10x"])
def test_a_cursor_that_is_no_list_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        page_request(2, cursor)
