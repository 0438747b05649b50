"""What the services say of themselves, for tests that compare it with documents and manifests."""

import importlib

from shared.settings import ProcessSettings


def settings_of(service: str) -> type[ProcessSettings]:
    """The settings class of a service, by its name on the wire."""
    module = importlib.import_module(f"{service.replace('-', '_')}.settings")
    found = [
        one
        for one in vars(module).values()
        if isinstance(one, type)
        and issubclass(one, ProcessSettings)
        and one.__module__ == module.__name__
    ]
    assert len(found) == 1
    return found[0]
