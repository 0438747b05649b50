"""The demo firm bills its month: terms explained and accepted, work recorded, invoices drafted by a
run, approved by who answers for the matter, and issued. What was billed already stays."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx2

from privity import platform_clock
from privity.clients import call, waited
from privity.errors import Trouble
from privity.keys import signing_key
from privity.stack import Stack
from privity.tokens import mint

Facts = dict[str, Any]

TERMS = {
    "currency": "USD",
    "arrangements": [
        {"kind": "hourly", "rates": [{"per_hour": "320.00"}, {"per_hour": "140.00",
                                                              "role": "paralegal"}]}
    ],
    "scope": "Advice and representation in the matters that you bring to us.",
    "nature": "other",
    "invoice_frequency": "monthly",
    "payment_methods": ["bank_transfer", "card"],
    "payment_days": 30,
    "late_penalty": {"annual_percent": "6", "grace_days": 10},
    "expenses_paid_by": "client",
}  # fmt: skip
WORK = (
    (48, "Read the papers that came with the first letter", "L110", "A104"),
    (90, "Drafted the letter to the other side", "L120", "A103"),
)


def bill(stack: Stack, http: httpx2.Client, clients: Sequence[tuple[str, str]]) -> int:
    """Of (client's id, e-mail of their lawyer); how many invoices there are then. Raises
    Trouble, also when there is none."""
    for client_id, lawyer in clients:
        matters = call(http, "GET", "/v1/matters", params={"client_id": client_id}).json()["items"]
        _wait_for(http, matters)
        if not call(http, "GET", "/v1/fee-terms", params={"client_id": client_id}).json()["items"]:
            _agree(stack, http, client_id)
            for matter in matters:
                _work(stack, http, matter, lawyer)
    _month_end(http)
    for client_id, lawyer in clients:
        _issue(stack, http, client_id, lawyer)
    invoices = sum(len(_invoices(http, client_id, "issued")) for client_id, _ in clients)
    if not invoices:
        raise Trouble("The demo firm worked and billed nothing.", "See `privity logs billing`.")
    return invoices


def _wait_for(http: httpx2.Client, matters: Sequence[Facts]) -> None:
    """Billing hears of matters in its own time."""

    def known() -> bool:
        return all(http.get(f"/v1/matters/{one['id']}/costs").is_success for one in matters)

    waited(known, "billing to hear of the demo firm")


def _agree(stack: Stack, http: httpx2.Client, client_id: str) -> None:
    """Standing terms for all their matters, accepted by the client."""
    terms = call(http, "POST", "/v1/fee-terms", json={"client_id": client_id, "terms": TERMS})
    body = {"version": 1, "commitment": terms.json()["commitment"]}
    path = f"/v1/fee-terms/{terms.json()['id']}/acceptance"
    call(http, "POST", path, json=body, headers=_as(stack, "client", client_id=client_id))


def _work(stack: Stack, http: httpx2.Client, matter: Facts, lawyer: str) -> None:
    """After the terms were accepted, by the platform's clock: what came before is not billed."""
    now = datetime.now(UTC) + platform_clock.offset(stack.clock_offset)
    for minutes, narrative, task, activity in WORK:
        body = {"matter_id": matter["id"], "minutes": minutes, "narrative": narrative,
                "task_code": task, "activity_code": activity,
                "started_at": now.isoformat()}  # fmt: skip
        headers = _as(stack, "attorney", email=lawyer)
        call(http, "POST", "/v1/time-entries", json=body, headers=headers)


def _month_end(http: httpx2.Client) -> None:
    run = call(http, "POST", "/v1/billing-runs", json={"until": "2199-12-31"}).json()
    path = f"/v1/billing-runs/{run['id']}"
    waited(
        lambda: call(http, "GET", path).json(), "the month's end", lambda one: one["pending"] == 0
    )


def _issue(stack: Stack, http: httpx2.Client, client_id: str, lawyer: str) -> None:
    for invoice in _invoices(http, client_id, "draft"):
        path = f"/v1/invoices/{invoice['id']}"
        call(http, "POST", f"{path}/approval", headers=_as(stack, "attorney", email=lawyer))
        call(http, "POST", f"{path}/issue")


def _invoices(http: httpx2.Client, client_id: str, state: str) -> list[Facts]:
    wanted = {"client_id": client_id, "state": state}
    found: list[Facts] = call(http, "GET", "/v1/invoices", params=wanted).json()["items"]
    return found


def _as(stack: Stack, role: str, **claims: str) -> dict[str, str]:
    """Somebody else's session; a call's own headers win over the partner's."""
    token = mint(signing_key(stack.key("issuer")), stack.issuer, role, **claims)
    return {"Authorization": f"Bearer {token}"}
