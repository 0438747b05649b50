"""A couple goes from the web form to a signed engagement with a mailbox and the public calls, and
both are clients; its one signature accepts the fees, so that work can be billed; every step stands
in the record."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from privity import status
from privity.verify import verify
from support.bills import TERMS as FEES
from support.office import Office, until
from support.papers import verdict
from support.prospects import NOTE, TERMS


@dataclass
class Person:
    """Somebody with a mailbox and a browser, and no account."""

    office: Office
    name: str
    email: str

    def mail(self, subject: str) -> str:
        """The newest mail with this subject, once it is there."""

        def look() -> list[str]:
            return [one.text for one in self.office.inbox(self.email) if one.subject == subject]

        return until(look, seconds=30)[0]

    @contextmanager
    def open(self, subject: str) -> Iterator[tuple[httpx2.Client, str]]:
        """Follow the link in that letter, ask for a code, and enter it."""
        gateway = self.office.stack.ports.url("gateway")
        found = re.search(rf"{gateway}/v1/pages/(\S+)", self.mail(subject))
        assert found is not None
        link = f"/v1/links/{found.group(1)}"
        with httpx2.Client(base_url=gateway, timeout=20, trust_env=False) as http:
            sent = len(self._codes())
            assert http.post(f"{link}/code").status_code == 202
            code = until(self._codes, lambda codes: len(codes) > sent, 30)[0]
            opened = http.post(f"{link}/session", json={"code": code})
            http.headers["Link-Session"] = opened.json()["session"]
            yield http, link

    def _codes(self) -> list[str]:
        mails = [one for one in self.office.inbox(self.email) if one.subject == "Your code"]
        return [re.findall(r"\b\d{8}\b", one.text)[0] for one in mails]

    def sign(self) -> httpx2.Response:
        with self.open("An agreement for you to read and sign") as (http, link):
            read = http.get(f"{link}/agreement").json()
            assert http.get(f"{link}/document").content.startswith(b"%PDF")
            return http.post(
                f"{link}/sign",
                json={
                    "name": self.name,
                    "i_sign": True,
                    "i_agree_to_electronic_business": True,
                    "document_sha256": read["document_sha256"],
                },
            )


def consultation_of(office: Office, email: str) -> dict[str, Any]:
    def look() -> list[dict[str, Any]]:
        listed = office.get("/v1/consultations", limit=1000)["items"]
        return [one for one in listed if one["email"] == email]

    return until(look)[0]


def test_a_couple_goes_from_the_form_to_an_open_matter_and_its_bundle_verifies(
    office: Office, tmp_path: Path
) -> None:
    tag = uuid4().hex[:6]
    ann = Person(office, "Ann Example", f"ann.{tag}@clients.test")
    bob = Person(office, "Bob Example", f"bob.{tag}@clients.test")
    gateway = office.stack.ports.url("gateway")
    form = {
        "name": ann.name,
        "email": ann.email,
        "practice_area": "Family",
        "related": bob.name,
        "understood": "true",
    }
    sent = httpx2.post(f"{gateway}/v1/pages/consultation", data=form, trust_env=False)
    assert "no attorney-client relationship" in sent.text
    consultation = consultation_of(office, ann.email)
    path = f"/v1/consultations/{consultation['id']}"
    check = office.get(f"{path}/conflict-check")
    if check["state"] == "possible":
        reasons = "The same couple, in an earlier run of this story."
        cleared = {"revision": check["revision"], "reasons": reasons}
        office.post(f"{path}/conflict-check/clear", cleared)
    lawyer = office.staff("attorney@firm.test")["id"]
    held = {"staff_id": lawyer, "channel": "phone", "held_at": datetime.now(UTC).isoformat()}
    office.post(f"{path}/hold", held | {"note": NOTE})
    signers: list[dict[str, Any]] = [{"name": one.name, "email": one.email} for one in (ann, bob)]
    signers[1]["joint_client"] = True
    fees = disclosed(office, consultation["client_id"])
    draft = {
        "consultation_id": consultation["id"],
        "terms": TERMS | {"fees": fees},
        "signers": signers,
        "point_of_contact_id": lawyer,
    }
    row = until(lambda: made_or_none(office, "/v1/engagements", draft))
    office.post(f"/v1/engagements/{row['id']}/approve", {"revision": row["revision"]})
    assert ann.sign().json()["state"] == "proposed"
    assert bob.sign().json()["state"] == "accepted"
    row = office.get(f"/v1/engagements/{row['id']}")
    office.post(f"/v1/engagements/{row['id']}/countersign", {"revision": row["revision"]})
    with bob.open("Your copy of the signed agreement") as (http, link):
        assert "Signature is Valid" in verdict(http.get(f"{link}/document").content)
    wanted = {
        "ConsultationRequested", "ConflictCheckCompleted", "ConsultationHeld", "EngagementProposed",
        "SignatureGiven", "EngagementSigned", "LinkIssued", "CodeIssued", "FeesDisclosed",
        "FeesAccepted",
    }  # fmt: skip

    def recorded() -> set[str]:
        found = office.get("/v1/record/entries", client_id=row["client_id"], limit=500)["items"]
        return {one["type"].split(".")[2] for one in found}

    until(recorded, lambda kinds: wanted <= kinds, 30)

    def matters() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = office.get("/v1/matters", client_id=row["client_id"])["items"]
        return found

    (matter,) = until(matters)
    assert (matter["title"], matter["point_of_contact_id"]) == (TERMS["title"], lawyer)
    joined = until(lambda: office.get(f"/v1/matters/{matter['id']}/joint-clients")["items"])
    assert [one["client_id"] for one in joined] == [row["signers"][1]["client_id"]]
    assert office.get(f"/v1/clients/{joined[0]['client_id']}")["email"] == bob.email

    def seen_by_bob() -> list[str]:
        with office.http("client", client_id=joined[0]["client_id"]) as http:
            answer = http.get(f"/v1/matters/{matter['id']}/timeline", params={"limit": 500})
        return [one["kind"] for one in answer.json().get("items", [])]

    until(seen_by_bob, lambda kinds: {"EngagementSigned", "JointClientJoined"} <= set(kinds), 30)
    accepted = office.get(f"/v1/fee-terms/{fees['terms_id']}")["acceptance"]
    assert (accepted["method"], accepted["accepted_by"]) == ("engagement", row["client_id"])
    work = {
        "matter_id": matter["id"],
        "staff_id": lawyer,
        "minutes": 30,
        "narrative": "Drafted the settlement",
        "started_at": datetime.now(UTC).isoformat(),
    }
    entry = until(lambda: made_or_none(office, "/v1/time-entries", work))
    assert (entry["state"], entry["missing"]) == ("billable", [])
    export = office.post("/v1/record/exports", {"matter_id": matter["id"]})
    bundle = tmp_path / "record.zip"
    bundle.write_bytes(made(office, export["id"]))
    report = verify(str(bundle), key=status.addresses(office.stack)["record"]["key"])
    assert report.ok, report.doubts


def disclosed(office: Office, client_id: str) -> dict[str, Any]:
    """Fees explained in billing, as an agreement names them."""
    body = {"client_id": client_id, "terms": FEES}
    terms = until(lambda: made_or_none(office, "/v1/fee-terms", body))
    return {
        "kind": "disclosed",
        "terms_id": terms["id"],
        "version": terms["version"],
        "commitment": terms["commitment"],
    }


def made_or_none(office: Office, path: str, body: dict[str, Any]) -> Any:
    """One service hears a moment later what another says; until then it refuses."""
    with office.http() as http:
        answer = http.post(path, json=body)
    return answer.json() if answer.status_code == 201 else None


def made(office: Office, export_id: str) -> bytes:
    """The bundle, once it is."""
    path = f"/v1/record/exports/{export_id}"
    until(lambda: office.get(path), lambda one: one["state"] == "ready")
    with office.http("partner") as http:
        return http.get(f"{path}/bundle").content
