"""How many questions one thing asks the database; the service's own loops are not counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import event

from support.firm import World
from support.running import Running

OURS: ContextVar[bool] = ContextVar("OURS", default=False)


@contextmanager
def statements_of(world: World | Running) -> Iterator[list[str]]:
    """What is asked within the block, and by what it calls."""
    asked: list[str] = []

    def note(*given: Any) -> None:
        if OURS.get():
            asked.append(given[2])

    engine = world.runtime.db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    token = OURS.set(True)
    try:
        yield asked
    finally:
        OURS.reset(token)
        event.remove(engine, "before_cursor_execute", note)
