"""What the doors of one running service share: its memory, its keys, its machinery."""

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2

from shared.auth import Authenticator
from shared.consumer import Consumer
from shared.db import Database
from shared.handlers import Handlers
from shared.keyring import Keyring
from shared.leavers import Leavers
from shared.relay import Relay
from shared.settings import Settings


@dataclass
class Runtime:
    """Made once per process, by `app`; requests find it at `request.state.runtime`."""

    settings: Settings
    db: Database
    keys: Keyring
    auth: Authenticator
    http: httpx2.AsyncClient
    handlers: Handlers
    relay: Relay
    consumer: Consumer
    leavers: Leavers | None
    ready_checks: dict[str, Callable[[], str | None]] = field(default_factory=dict)
    """The service's own checks for /readyz: None when well, else what is wrong."""
