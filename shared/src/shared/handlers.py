"""Events in: one function per event listened to, the wiring of a service readable on one page.

handlers = Handlers()

@handlers.on(ClientMessageReceived)
async def on_client_message_received(session, event): ...
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts import CONTRACTS, OWNERS, Event

E = TypeVar("E", bound=Event)
Handler = Callable[[AsyncSession, Any], Awaitable[None]]
Whose = Callable[[AsyncSession, Any], Awaitable[Iterable[UUID]]]


class Handlers:
    """Which function hears which type. A handler changes rows and emits; it never meets the
    network."""

    def __init__(self) -> None:
        self._by_type: dict[str, tuple[type[Event], Handler]] = {}
        self._whose: dict[str, Whose] = {}

    def on(
        self, contract: type[E], *, owners: Iterable[str] = OWNERS, keys_of: Whose | None = None
    ) -> Callable[
        [Callable[[AsyncSession, E], Awaitable[None]]],
        Callable[[AsyncSession, E], Awaitable[None]],
    ]:
        """Hear this contract; `owners` narrows a platform event to the services meant. `keys_of`
        says whose keys the handler needs beside those of the seals in the event."""
        names = (
            [contract.type_name(owner) for owner in owners]
            if contract.owner == "platform"
            else [contract.type_name()]
        )

        def register(
            handler: Callable[[AsyncSession, E], Awaitable[None]],
        ) -> Callable[[AsyncSession, E], Awaitable[None]]:
            for name in names:
                if name in self._by_type:
                    raise ValueError(f"{name} has a handler already")
                self._by_type[name] = (CONTRACTS[name], handler)
                if keys_of is not None:
                    self._whose[name] = keys_of
            return handler

        return register

    def include(self, other: "Handlers") -> None:
        """Take over the handlers of a noun's room."""
        if twice := self._by_type.keys() & other._by_type.keys():
            raise ValueError(f"handled twice: {sorted(twice)}")
        self._by_type |= other._by_type
        self._whose |= other._whose

    def find(self, type_name: str) -> tuple[type[Event], Handler] | None:
        return self._by_type.get(type_name)

    def keys_of(self, type_name: str) -> Whose | None:
        return self._whose.get(type_name)

    @property
    def types(self) -> list[str]:
        return sorted(self._by_type)

    @property
    def owners(self) -> list[str]:
        """The services whose topics are listened to."""
        return sorted({name.split(".")[1] for name in self._by_type})
