"""What matters tells is kept in any order, twice is once, and former names stay."""

from datetime import UTC, datetime, timedelta

from shared.contracts.matters import ClientChanged, FirmChanged
from support.prospects import FIRM, Intake


async def test_a_client_who_was_renamed_is_found_under_both_names(intake: Intake) -> None:
    client_id = await intake.client("Maria Holm")
    renamed = ClientChanged(
        client_id=client_id,
        name=await intake.sealed(client_id, "name", "Maria Adeyemi"),
        email=await intake.sealed(client_id, "email", "maria@clients.test"),
        time_zone="UTC",
    )
    for _ in range(2):
        await intake.hear(renamed)
    names = await intake.rows("SELECT written FROM names WHERE subject_id = :id", id=client_id)
    assert sorted(name for (name,) in names) == ["Maria Adeyemi", "Maria Holm"]
    for name in ("Maria Holm", "Maria Adeyemi"):
        consultation_id = await intake.asked(parties=[{"role": "adverse", "name": name}])
        assert (await intake.check(consultation_id))["state"] == "possible"


async def test_a_contact_heard_before_the_client_is_the_contact_of_their_next_request(
    intake: Intake,
) -> None:
    """Topics of one owner keep the order of a key, but a replay may not."""
    lawyer, partner = intake.staff["Daniel Okafor"], intake.staff["Eleanor Vale"]
    client_id = await intake.client("Maria Holm")
    now = datetime.now(UTC)
    await intake.contact(client_id, lawyer, now - timedelta(hours=1))
    await intake.contact(client_id, partner, now - timedelta(hours=2))
    await intake.contact(client_id, partner, now + timedelta(hours=2))
    body = {
        "name": "Maria Holm",
        "email": "maria@clients.test",
        "practice_area": "tax",
        "source": "phone",
        "client_id": str(client_id),
    }
    made = await intake.done("POST", "/v1/consultations", body)
    shown = await intake.done("GET", f"/v1/consultations/{made['id']}")
    assert shown["point_of_contact_id"] == str(lawyer)
    assert shown["client_id"] == str(client_id)


async def test_a_prospect_of_ours_becomes_no_adversary_of_themselves(intake: Intake) -> None:
    """matters tells of the client that we asked it to register: it is the same person."""
    consultation_id = await intake.asked()
    shown = await intake.done("GET", f"/v1/consultations/{consultation_id}")
    (row,) = await intake.rows("SELECT client_id FROM consultations")
    await intake.hear(
        ClientChanged(
            client_id=row[0],
            state="prospective",
            name=await intake.sealed(row[0], "name", "Ann Example"),
            email=await intake.sealed(row[0], "email", "ann@clients.test"),
            time_zone="UTC",
        )
    )
    again = await intake.done("GET", f"/v1/consultations/{consultation_id}")
    assert again["duplicates"] == shown["duplicates"] == []
    assert (await intake.check(consultation_id))["state"] == "clear"


async def test_the_firms_zone_is_that_of_who_gives_none(intake: Intake) -> None:
    moved = FirmChanged(**FIRM.model_dump() | {"time_zone": "Europe/Berlin", "revision": 2})
    await intake.hear(moved)
    shown = await intake.done("GET", f"/v1/consultations/{await intake.asked()}")
    assert shown["time_zone"] == "Europe/Berlin"
