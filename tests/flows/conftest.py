"""One whole platform for all stories; each story has its own clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.office import Client, Office, running_office


@pytest.fixture(scope="package")
def office(folder: Path) -> Iterator[Office]:
    with running_office(folder / "office") as running:
        yield running


@pytest.fixture
def client(office: Office) -> Client:
    return office.client()
