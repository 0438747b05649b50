"""Checks a log from outside, or an exported bundle offline, trusting nothing but the verifier key.
It shares no code with the server, nor with the program inside a bundle."""

import re
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import httpx2

from privity.verify.bundle import verify_bundle
from privity.verify.log import Log, verify_log
from privity.verify.notes import cosigners, parse_key
from privity.verify.report import Doubt, Report, Stream

__all__ = ["Report", "Stream", "verify"]


def verify(
    target: str,
    *,
    key: str | None = None,
    state: Path | None = None,
    witnesses: Sequence[str] = (),
    http: httpx2.Client | None = None,
) -> Report:
    """Checks the log at `target`, such as http://127.0.0.1:8080/v1/record/log, or a bundle there.

    `key` is the log's verifier key (`name+id+base64`), got from elsewhere than the log. In the
    directory `state` the last checkpoint seen of each origin is kept; a log that does not extend
    it is refused. A bundle without a `key` is checked against its own, and the report says so.
    `witnesses` are the verifier keys of those whose cosignature is demanded.
    Never raises for what the log or bundle does: whatever is wrong becomes a doubt.
    """
    try:
        if re.match(r"https?://[^/]", target):
            verifier, demanded = parse_key(key), cosigners(witnesses)
            with nullcontext(http) if http else httpx2.Client(timeout=30) as client:
                return verify_log(
                    Log(client, target.rstrip("/")), verifier, key or "", state, demanded
                )
        if not target or not Path(target).exists():
            raise Doubt(
                f"{target!r} is neither the address of a log (http://… or https://…)"
                " nor an exported bundle that is there."
            )
        return verify_bundle(Path(target), key, cosigners(witnesses))
    except Doubt as doubt:
        return Report(target, doubts=(str(doubt),))
