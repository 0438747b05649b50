"""The record: whole, unaltered, and provable from outside."""

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
