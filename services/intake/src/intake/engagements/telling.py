"""What is told of an agreement: everything that others need, names and terms sealed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

import intake.files.queries as files
from intake.consultations.models import Party
from intake.engagements.models import Engagement, Signer
from intake.engagements.rules import bound_by, is_like
from intake.engagements.terms import Terms
from intake.files.models import File
from shared import clock
from shared.contracts import Sealed
from shared.contracts.intake import (
    AgreedCommunication,
    AgreedFeeTerms,
    EngagementAmended,
    EngagementEnded,
    EngagementParty,
    EngagementProposed,
    EngagementSignature,
    EngagementSigned,
    EngagementSigner,
    JointlyEngaged,
    SignatureGiven,
)
from shared.ids import new_id
from shared.keyring import seal


def sealed_terms(session: AsyncSession, row: Engagement, terms: Terms) -> Sealed:
    content = orjson.dumps(terms.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS).decode()
    return _sealed(session, row, "terms", content)


def proposed(
    session: AsyncSession,
    row: Engagement,
    terms: Terms,
    signers: Sequence[Signer],
    document: File,
) -> EngagementProposed:
    assert row.approved_by is not None
    assert row.proposed_at is not None
    assert row.expires_at is not None
    return EngagementProposed(
        engagement_id=row.engagement_id,
        agreement_version=row.agreement_version,
        client_id=row.client_id,
        consultation_id=row.consultation_id,
        amends=row.amends,
        title=_sealed(session, row, "title", terms.title),
        practice_area=row.practice_area,
        fee_terms=AgreedFeeTerms.model_validate(row.fee_terms),
        signers=tuple(_signer(session, row, one) for one in signers),
        document=files.reference(document),
        template=row.template,
        template_version=row.template_version,
        approved_by=row.approved_by,
        proposed_at=row.proposed_at,
        expires_at=row.expires_at,
    )


def signature_given(row: Engagement, one: Signer, document: File) -> SignatureGiven:
    return SignatureGiven(
        engagement_id=row.engagement_id,
        agreement_version=row.agreement_version,
        client_id=row.client_id,
        signature=_signature(one),
        document=files.reference(document),
    )


def signed(
    session: AsyncSession,
    row: Engagement,
    terms: Terms,
    signers: Sequence[Signer],
    document: File,
    parties: Sequence[Party],
) -> EngagementSigned:
    return EngagementSigned(
        consultation_id=row.consultation_id,
        practice_area=row.practice_area,
        parties=tuple(_party(session, row, one, signers) for one in parties),
        joint_clients=tuple(_jointly_engaged(session, one) for one in signers if one.client_id),
        point_of_contact_id=row.point_of_contact_id,
        team=tuple(row.team),
        calendar_id=row.calendar_id,
        **_in_force(session, row, terms, signers, document),
    )


def amended(
    session: AsyncSession,
    row: Engagement,
    terms: Terms,
    signers: Sequence[Signer],
    document: File,
) -> EngagementAmended:
    assert row.amends is not None
    return EngagementAmended(amends=row.amends, **_in_force(session, row, terms, signers, document))


def ended(
    session: AsyncSession, row: Engagement, *, by_firm: bool, reasons: str, by: UUID
) -> EngagementEnded:
    return EngagementEnded(
        engagement_id=row.engagement_id,
        client_id=row.client_id,
        matter_id=row.matter_id,
        by="firm" if by_firm else "client",
        reasons=_sealed(session, row, "reasons", reasons),
        ended_by=by,
        ended_at=clock.now(),
    )


def _in_force(
    session: AsyncSession,
    row: Engagement,
    terms: Terms,
    signers: Sequence[Signer],
    document: File,
) -> dict[str, Any]:
    return {
        "engagement_id": row.engagement_id,
        "agreement_version": row.agreement_version,
        "client_id": row.client_id,
        "matter_id": row.matter_id,
        "title": _sealed(session, row, "title", terms.title),
        "fee_terms": AgreedFeeTerms.model_validate(row.fee_terms),
        "communication": AgreedCommunication(**terms.communication.model_dump()),
        "terms": sealed_terms(session, row, terms),
        "document": files.reference(document),
        "signatures": tuple(_signature(one) for one in signers),
        "countersigned_by": row.countersigned_by,
        "signed_at": row.signed_at,
    }


def _signer(session: AsyncSession, row: Engagement, one: Signer) -> EngagementSigner:
    def sealed(field: str, value: str) -> Sealed:
        return seal(session, row.client_id, one.signer_id, "signer", field, value)

    return EngagementSigner(
        signer_id=one.signer_id,
        name=sealed("name", one.name),
        email=sealed("email", one.email),
        capacity=sealed("capacity", one.capacity) if one.capacity else None,
    )


def _signature(one: Signer) -> EngagementSignature:
    assert one.signed_at is not None
    assert one.method is not None
    return EngagementSignature(
        signer_id=one.signer_id,
        signed_at=one.signed_at,
        method=one.method,
        evidence=Sealed.model_validate(one.evidence),
    )


def _party(
    session: AsyncSession, row: Engagement, one: Party, signers: Sequence[Signer]
) -> EngagementParty:
    """Whoever signed, or was signed for as a joint client, is a client from now on, whatever they
    were when one asked."""
    bound = [name for each in signers if (name := bound_by(each))]

    def sealed(field: str, value: str) -> Sealed:
        return seal(session, row.client_id, new_id(), "party", field, value)

    return EngagementParty(
        party_id=one.party_id,
        role="client" if any(is_like(one.name, name) for name in bound) else one.role,
        kind=one.kind,
        name=sealed("name", one.name),
        also=tuple(sealed("also", each) for each in one.also),
    )


def _jointly_engaged(session: AsyncSession, one: Signer) -> JointlyEngaged:
    """Under their own key, which must be held."""
    assert one.client_id is not None
    client_id = one.client_id

    def sealed(field: str, value: str) -> Sealed:
        return seal(session, client_id, client_id, "joint-client", field, value)

    return JointlyEngaged(
        client_id=client_id,
        signer_id=one.signer_id,
        name=sealed("name", one.signs_for or one.name),
        email=sealed("email", one.email),
        phone=sealed("phone", one.phone) if one.phone else None,
        kind=one.kind,
    )


def _sealed(session: AsyncSession, row: Engagement, field: str, value: str) -> Sealed:
    return seal(session, row.client_id, row.engagement_id, "engagement", field, value)
