"""Delivery status notifications (RFC 3464): whether a mail of ours came back for good."""

import re
from dataclasses import dataclass

from messaging.email.mime import Defects, decoded, split

_FIELD = re.compile(rb"^(action|status|diagnostic-code)[ \t]*:[ \t]*([^\r\n]*)", re.I | re.M)


@dataclass(frozen=True, slots=True)
class Report:
    """`status` is the enhanced code and the other server's words: `5.1.1 smtp; no such user`."""

    status: str


def read_report(raw: bytes) -> Report | None:
    """The report, if it says that delivery failed; None for delays, successes and other mail."""
    defects = Defects()
    root = split(raw, defects)
    if root.media_type != "multipart/report":
        return None
    for part in root.leaves():
        if part.media_type == "message/delivery-status":
            return _failure(decoded(raw, part, defects))
    return None


def _failure(fields: bytes) -> Report | None:
    said: dict[str, str] = {}
    for name, value in _FIELD.findall(fields):
        said.setdefault(name.decode().lower(), _text(value))
    if said.get("action", "").lower() != "failed":
        return None
    status = f"{said.get('status', '5.0.0')} {said.get('diagnostic-code', '')}"
    return Report(status.strip()[:500])


def _text(value: bytes) -> str:
    return re.sub(r"[^ -~]", "?", value.decode("utf-8", "replace")).strip()
