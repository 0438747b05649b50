"""Grant and withdraw consents, and disclose only with a basis that stands at that instant."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

import matters.preferences.actions as preferences
from matters.clients.models import Client
from matters.consents import queries
from matters.consents.models import Consent, Disclosure, FileView
from matters.consents.rules import same_words
from matters.sealed import opened
from shared import clock
from shared.contracts import FIRM_ID, ContentRef, Sealed
from shared.contracts.matters import (
    ConsentGranted,
    ConsentWithdrawn,
    DisclosureBasis,
    DisclosureMade,
)
from shared.contracts.platform import RecordAccessed
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit


class WithoutBasis(Refusal):
    """Nothing allows this disclosure: name a consent that stands, a law, or a court's order."""

    status = 422


class AlreadyWithdrawn(Refusal):
    """This consent was withdrawn before."""


async def grant(
    session: AsyncSession,
    *,
    client_id: UUID,
    matter_id: UUID | None,
    purpose: str,
    recipient: str,
    scope: str,
    expires_at: datetime | None,
    by: UUID,
) -> Consent:
    """The client's key must be held."""
    consent_id, now = new_id(), await clock.database_now(session)
    if expires_at is not None and expires_at <= now:
        raise Invalid("A consent expires in the future, or not at all.")
    told = ConsentGranted(
        consent_id=consent_id,
        client_id=client_id,
        matter_id=matter_id,
        purpose=purpose,
        recipient=_sealed(session, client_id, consent_id, "recipient", recipient),
        scope=_sealed(session, client_id, consent_id, "scope", scope),
        given_by=by,
        granted_at=now,
        expires_at=expires_at,
    )
    consent = Consent(**_row(told))
    session.add(consent)
    emit(session, told)
    return consent


async def withdraw(session: AsyncSession, consent: Consent, *, by: UUID) -> None:
    """From the commit on nothing more is disclosed by it, and nothing preferred. Raises
    AlreadyWithdrawn."""
    client = await session.get_one(Client, consent.client_id)
    kept = await preferences.locked(session, client)
    await session.refresh(consent, with_for_update=True)
    if consent.withdrawn_at is not None:
        raise AlreadyWithdrawn("This consent was withdrawn before.")
    consent.withdrawn_at = await clock.database_now(session)
    facts = consent.model_dump(include=set(ConsentWithdrawn.model_fields))
    emit(session, ConsentWithdrawn(withdrawn_by=by, **facts))
    await preferences.obey_ending(session, client, kept, consent.purpose, by=by)


async def lapse(session: AsyncSession, limit: int) -> int:
    """Consents that ended by their date end what was preferred by them; how many."""
    due = await queries.lapsing(session, await clock.database_now(session), limit)
    for consent in due:
        client = await session.get_one(Client, consent.client_id)
        kept = await preferences.locked(session, client)
        await session.refresh(consent, with_for_update=True)
        if consent.withdrawn_at is None and consent.lapsed_at is None:
            consent.lapsed_at = await clock.database_now(session)
            await preferences.obey_ending(session, client, kept, consent.purpose, by=FIRM_ID)
    return len(due)


async def disclose(
    session: AsyncSession,
    *,
    client_id: UUID,
    matter_id: UUID | None,
    basis: DisclosureBasis,
    purpose: str,
    consent_id: UUID | None,
    recipient: str,
    content: str,
    grounds: str,
    document: bytes | None,
    by: UUID,
) -> Disclosure:
    """Raises WithoutBasis. The client's key must be held."""
    now = await clock.database_now(session)
    if basis == "consent":
        consent = await _standing(session, client_id, consent_id, now)
        _require_covers(session, consent, matter_id, purpose, recipient)
    elif basis == "court_order" and not document:
        raise WithoutBasis("A court's order is the document itself: send it with the disclosure.")
    if (consent_id is not None and basis != "consent") or (
        document is not None and basis != "court_order"
    ):
        raise Invalid("A consent goes with that basis alone, and so does a court's document.")
    disclosure_id = new_id()
    kept = (
        _sealed(session, client_id, disclosure_id, "document", document)
        if document is not None
        else None
    )
    told = DisclosureMade(
        disclosure_id=disclosure_id,
        client_id=client_id,
        matter_id=matter_id,
        basis=basis,
        purpose=purpose,
        consent_id=consent_id,
        recipient=_sealed(session, client_id, disclosure_id, "recipient", recipient),
        content=_sealed(session, client_id, disclosure_id, "content", content),
        grounds=_sealed(session, client_id, disclosure_id, "grounds", grounds),
        document=ContentRef(
            content_id=disclosure_id, size=len(document), commitment=kept.commitment
        )
        if document is not None and kept is not None
        else None,
        made_by=by,
        made_at=now,
    )
    row = _row(told) | {"document": kept.model_dump(mode="json") if kept else None}
    disclosure = Disclosure(**row)
    session.add(disclosure)
    emit(session, told)
    return disclosure


async def note_view(session: AsyncSession, event: RecordAccessed) -> None:
    row = event.model_dump(include=set(FileView.model_fields))
    await session.execute(insert(FileView).values(row).on_conflict_do_nothing())


async def _standing(
    session: AsyncSession, client_id: UUID, consent_id: UUID | None, now: datetime
) -> Consent:
    consent = await queries.shared(session, consent_id) if consent_id else None
    if consent is None or consent.client_id != client_id:
        raise WithoutBasis("There is no such consent of this client: ask for it first.")
    if not queries.stands(consent, now):
        raise WithoutBasis("This consent was withdrawn or has expired: ask for a new one first.")
    return consent


def _require_covers(
    session: AsyncSession,
    consent: Consent,
    matter_id: UUID | None,
    purpose: str,
    recipient: str,
) -> None:
    if consent.purpose != purpose or consent.matter_id not in (None, matter_id):
        raise WithoutBasis("This consent is for another purpose or another matter.")
    if not same_words(opened(session, consent.recipient), recipient):
        raise WithoutBasis(
            "This consent is to tell somebody else: name the recipient as the client did, or ask"
            " for another consent first."
        )


def _row(told: ConsentGranted | DisclosureMade) -> dict[str, Any]:
    """Ids and instants as they are, what is sealed as JSON."""
    facts = dict(told)
    return {
        name: one.model_dump(mode="json") if isinstance(one, Sealed) else one
        for name, one in facts.items()
    }


def _sealed(
    session: AsyncSession, client_id: UUID, content_id: UUID, field: str, words: str | bytes
) -> Sealed:
    return seal(session, client_id, content_id, "confidence", field, words)
