"""The record: whole, unaltered, and provable from outside."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

from privity import status
from privity.verify import verify
from support.office import Client, Office, until


def test_the_log_proves_itself_to_a_stranger(office: Office, client: Client) -> None:
    office.write(client.email, "Is this on the record?")
    office.clock(office.message_of(client)["id"], "acknowledgment", "met")
    record = status.addresses(office.stack)["record"]
    report = verify(record["url"], key=record["key"], state=office.stack.home / "verified")
    assert report.ok, report
    completeness = office.get("/v1/record/completeness", role="compliance")
    services = {one["service"]: one["streams"] for one in completeness["services"]}
    assert {"matters", "messaging", "sla-monitor"} <= services.keys()
    assert all(stream["gaps"] == [] for streams in services.values() for stream in streams)


def test_a_matters_record_leaves_as_a_bundle_that_proves_itself_offline(
    office: Office, client: Client, tmp_path: Path
) -> None:
    """With messaging's own bytes: what it committed to is what the bundle opens."""
    file = tmp_path / "lease.pdf"
    file.write_bytes(b"%PDF-1.7 " + bytes(range(256)) * 40)
    office.write(client.email, "The lease is attached.", files=[file])
    message = office.message_of(client)
    office.clock(message["id"], "acknowledgment", "met")
    until(
        lambda: office.get(f"/v1/matters/{client.matter_id}/timeline")["items"],
        lambda items: "MessageAcknowledged" in {one["kind"] for one in items},
    )
    export = office.post("/v1/record/exports", {"matter_id": client.matter_id})
    made = f"/v1/record/exports/{export['id']}"
    until(lambda: office.get(made), lambda one: one["state"] == "ready", 40)
    bundle = tmp_path / "bundle.zip"
    with office.http() as http:
        bundle.write_bytes(http.get(f"{made}/bundle").content)
        original = http.get(f"/v1/messages/{message['id']}/original").content
    with zipfile.ZipFile(bundle) as packed:
        mails = [one for one in packed.namelist() if one.startswith("originals/")]
        (mail,) = [one for one in mails if "_inbound_" in one]
        (sent,) = [one for one in mails if "_outbound_acknowledgment" in one]
        assert b"Auto-Submitted: auto-replied" in packed.read(sent)
        (lease,) = [one for one in packed.namelist() if one.startswith("attachments/")]
        assert packed.read(mail) == original
        assert packed.read(lease) == file.read_bytes()
        program = tmp_path / "verify.py"
        program.write_bytes(packed.read("verify.py"))
        lines = [json.loads(one) for one in packed.read("entries.jsonl").splitlines()]
    for path in (lease, mail, sent):
        opened = [one for line in lines for one in line["opened"] if one.get("path") == path]
        assert opened
        assert "salt" in opened[0], "the bundle opens what the entry committed to"
    key = status.addresses(office.stack)["record"]["key"]
    command = [sys.executable, "-I", "-S", str(program), str(bundle), key]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = verify(str(bundle), key=key)
    assert report.ok, report.doubts


def test_one_trace_leads_from_the_mail_to_the_leaf_and_the_acknowledgment(
    office: Office, client: Client
) -> None:
    import httpx2

    office.write(client.email, "Where does this go?")
    message = office.message_of(client)
    office.clock(message["id"], "acknowledgment", "met")
    trace_id = office.get(f"/v1/messages/{message['id']}")["trace_id"]

    def spans() -> list[dict[str, object]]:
        answer = httpx2.get(f"{office.stack.tracing}/api/v2/trace/{trace_id}", trust_env=False)
        return list(answer.json()) if answer.status_code == 200 else []

    def services(found: list[dict[str, object]]) -> set[str]:
        return {str(one["localEndpoint"]["serviceName"]) for one in found}  # type: ignore[index]

    def roots(found: list[dict[str, object]]) -> list[object]:
        ids = {one["id"] for one in found}
        return [one["name"] for one in found if one.get("parentId") not in ids]

    everybody = {"messaging", "sla-monitor", "audit"}
    # Each service sends its spans when it likes: a child may be shown before its parent.
    until(spans, lambda found: services(found) >= everybody and len(roots(found)) == 1)
