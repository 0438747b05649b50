"""Documents made from the contract classes: events.md, asyncapi.yaml and contracts.json in docs/.

    python -m shared.contracts.documents docs            write them
    python -m shared.contracts.documents --check docs    exit 1 when they are stale

Both refuse a change that would break who reads old events or runs old code (`broken`): an event or
field that went away, a changed type, a new field without default. A changed meaning is a new v2.
"""

import sys
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic.json_schema import models_json_schema

from shared.contracts import CONTRACTS, OWNERS, PARTITIONS, Event

ATTRIBUTES = {
    "ce_specversion": "1.0",
    "ce_id": "UUIDv7 of the fact",
    "ce_source": "privity/<service>/<partition>?epoch=<n>: the stream",
    "ce_type": "privity.<owner>.<Name>.v<N>",
    "ce_subject": "what the fact is about",
    "ce_time": "when the fact was recorded, RFC 3339",
    "ce_sequence": "number in the stream, from 1, gapless",
    "traceparent": "W3C trace context in which the fact was recorded",
    "tracestate": "",
    "content-type": "application/json",
}


def schemas() -> dict[str, Any]:
    """JSON Schemas of all contracts and of what they contain, by class name."""
    models = sorted(set(CONTRACTS.values()), key=lambda one: one.__name__)
    _, made = models_json_schema(
        [(one, "validation") for one in models], ref_template="#/components/schemas/{model}"
    )
    found: dict[str, Any] = made["$defs"]
    return found


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0: one channel per owner, one message per event."""
    messages = {name: _message(name, contract) for name, contract in CONTRACTS.items()}
    channels = {
        owner: {
            "address": f"privity.{owner}",
            "description": f"Everything that {owner} tells. {PARTITIONS} partitions.",
            "messages": {
                name: {"$ref": f"#/components/messages/{name}"}
                for name in messages
                if name.split(".")[1] == owner
            },
        }
        for owner in OWNERS
    }
    operations = {
        f"hear-{owner}": {"action": "send", "channel": {"$ref": f"#/channels/{owner}"}}
        for owner in OWNERS
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Privity events",
            "version": "1",
            "description": "CloudEvents 1.0 in Kafka's binary content mode.",
            "license": {"name": "Apache-2.0"},
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas()},
    }


def _message(name: str, contract: type[Event]) -> dict[str, Any]:
    headers = {
        header: {"type": "string", "description": text} for header, text in ATTRIBUTES.items()
    }
    return {
        "name": name,
        "title": contract.__name__,
        "description": _sentence(contract),
        "contentType": "application/json",
        "headers": {"type": "object", "properties": headers},
        "payload": {"$ref": f"#/components/schemas/{contract.__name__}"},
    }


def events_page() -> str:
    """docs/events.md: every event with its owner, its order, its fields, and what it means."""
    lines = [
        "# Events",
        "",
        "Made from `shared/src/shared/contracts` by `make docs`. One fact, one name, one owner.",
        "Each travels as CloudEvents 1.0 in Kafka's binary content mode: attributes are headers,",
        "the value is the JSON of the fields below. Events with the same key keep their order;",
        "`none` means that the event is heard even while earlier ones of its key are parked.",
        "`Sealed` fields are read only with the owner's data key; anybody compares commitments.",
        "",
    ]
    for owner in ("platform", *OWNERS):
        lines += [f"## {owner}", ""]
        if owner == "platform":
            lines += ["Told by every service of itself, as `privity.<service>.<Name>.v1`.", ""]
        for contract in sorted(set(CONTRACTS.values()), key=lambda one: one.__name__):
            if contract.owner == owner:
                lines += _event_section(contract)
    return "\n".join(lines).rstrip() + "\n"


def _event_section(contract: type[Event]) -> list[str]:
    key = " or ".join(f"`{name}`" for name in contract.key)
    fields = ", ".join(
        f"`{name}`" + ("" if field.is_required() else "?")
        for name, field in contract.model_fields.items()
    )
    return [
        f"### {contract.__name__}.v{contract.version}",
        "",
        _sentence(contract),
        "",
        f"- key: {key}; order: {'kept' if contract.ordered else 'none'}",
        f"- fields: {fields}",
        "",
    ]


def _sentence(contract: type[Event]) -> str:
    return " ".join((contract.__doc__ or "").split())


def broken(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What a change from one contracts.json to another would break; empty when it is additive."""
    problems = [f"{name} went away" for name in before["events"] if name not in after["events"]]
    for name, old in before["schemas"].items():
        new = after["schemas"].get(name)
        problems += [f"{name} went away"] if new is None else _broken_schema(name, old, new)
    return problems


def _broken_schema(name: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    fields, now = old.get("properties", {}), new.get("properties", {})
    problems = [f"{name}.{field} went away" for field in fields if field not in now]
    problems += [
        f"{name}.{field} changed its type"
        for field in fields.keys() & now.keys()
        if not _wider(_type_of(fields[field]), _type_of(now[field]))
    ]
    needed = set(new.get("required", ())) - set(old.get("required", ()))
    return problems + [f"{name}.{field} is newly required" for field in sorted(needed)]


def _type_of(schema: dict[str, Any]) -> Any:
    told = ("title", "description", "default")
    return {key: value for key, value in schema.items() if key not in told}


def _wider(old: Any, new: Any) -> bool:
    """The same type, or an enumeration that gained values."""
    if isinstance(old, dict) and isinstance(new, dict) and "enum" in old and "enum" in new:
        return set(old["enum"]) <= set(new["enum"])
    return bool(old == new)


def made() -> dict[str, str]:
    """File name → content of every generated document."""
    contracts = {"events": sorted(CONTRACTS), "schemas": schemas()}
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    return {
        "events.md": events_page(),
        "asyncapi.yaml": yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=100),
        "contracts.json": orjson.dumps(contracts, option=options).decode() + "\n",
    }


def main(arguments: list[str]) -> int:
    check, folder = "--check" in arguments, Path(arguments[-1])
    documents = made()
    published = folder / "contracts.json"
    if published.exists():
        problems = broken(
            orjson.loads(published.read_bytes()), orjson.loads(documents["contracts.json"])
        )
        if problems:
            sys.stderr.write("This breaks published contracts; make it a v2:\n  ")
            sys.stderr.write("\n  ".join(problems) + "\n")
            return 1
    stale = [name for name, text in documents.items() if _text(folder / name) != text]
    if check:
        sys.stderr.write("".join(f"{folder / name} is stale: run `make docs`\n" for name in stale))
        return 1 if stale else 0
    for name in stale:
        (folder / name).write_text(documents[name])
    return 0


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
