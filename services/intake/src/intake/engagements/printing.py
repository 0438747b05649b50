"""Agreements and their evidence on paper. What stands in them is gathered in a transaction;
printing itself may take seconds, so it is done between two, in a thread."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

import intake.consultations.queries as consultations
import intake.directory.queries as directory
import intake.templates.queries as templates
from intake.documents.dates import day, moment
from intake.documents.press import Layout, print_pdf
from intake.engagements import queries, rules
from intake.engagements.models import Engagement, Signer
from intake.templates import wording
from intake.templates.wording import TemplateRefused
from shared.errors import Invalid


@dataclass(frozen=True, slots=True)
class Manuscript:
    """Everything that stands on a paper, and the instant that it bears."""

    layout: Layout
    data: Mapping[str, Any]
    at: datetime

    async def printed(self) -> bytes:
        return await asyncio.to_thread(print_pdf, self.layout, dict(self.data), self.at)


async def agreement(session: AsyncSession, row: Engagement, at: datetime) -> Manuscript:
    """The next version of this draft. Raises Invalid when the template asks for what was not
    agreed."""
    terms = queries.terms_of(session, row)
    signers = await queries.signers(session, row.engagement_id)
    firm, zone = await directory.firm_name(session), await directory.time_zone(session)
    parties = await consultations.parties(session, row.consultation_id)
    asked = [one.name for one in parties if one.role == "client"]
    joint = await queries.joint_signers(session, row.matter_id)
    jointly = rules.signing_again(joint, signers)
    date = day(at, zone)
    data = rules.for_template(
        terms,
        firm=firm,
        parties=asked + rules.joining(signers, asked),
        jointly=[*asked, *jointly] if jointly else [],
        signers=[one.name for one in signers],
        date=date,
    )
    try:
        sections = wording.render(
            await templates.sections(session, row.template, row.template_version), data
        ) + wording.render([wording.JOINT_REPRESENTATION], data)
    except TemplateRefused as error:
        raise Invalid(f"The template does not fit this agreement: {error}.") from error
    printed = rules.for_print(
        sections,
        [{"name": one.name, "capacity": one.capacity} for one in signers],
        firm=firm,
        title=terms.title,
        engagement_id=str(row.engagement_id),
        version=row.agreement_version + 1,
        date=date,
        fee_terms=row.fee_terms,
    )
    return Manuscript("agreement", printed, at)


async def evidence(
    session: AsyncSession, row: Engagement, signers: Sequence[Signer], size: int
) -> Manuscript:
    """Who signed, when, from where, and which bytes."""
    assert row.document_sha256 is not None
    assert row.countersigned_at is not None
    zone = await directory.time_zone(session)
    firm = await directory.firm_name(session)
    signed = [_facts(one, queries.evidence_of(session, one), zone) for one in signers]
    by_the_firm = {
        "name": f"For {firm}",
        "facts": [
            {"label": "Counter-signed", "value": moment(row.countersigned_at, zone)},
            {"label": "By", "value": row.countersigned_name or str(row.countersigned_by)},
        ],
    }
    data = {
        "firm": firm,
        "engagement_id": str(row.engagement_id),
        "version": row.agreement_version,
        "sha256": row.document_sha256.hex(),
        "size": size,
        "signatures": [*signed, by_the_firm],
    }
    return Manuscript("evidence", data, row.countersigned_at)


def _facts(one: Signer, evidence: Mapping[str, Any], zone: str) -> dict[str, Any]:
    assert one.signed_at is not None
    rows = [
        ("As", one.capacity),
        ("Signed", moment(one.signed_at, zone)),
        ("How", "on paper" if one.method == "paper" else "electronically, by typing the name"),
        ("Typed", evidence.get("typed")),
        ("From", evidence.get("address")),
        ("With", evidence.get("browser")),
        ("Code sent to", evidence.get("sent_to")),
        ("Scan", evidence.get("scan_commitment") and f"{evidence['scan']}, kept by the firm"),
        ("Entered by", evidence.get("entered_by")),
        ("Accepted", evidence.get("statement")),
        ("Document read", evidence.get("sha256")),
    ]
    facts = [{"label": label, "value": str(value)} for label, value in rows if value]
    return {"name": one.name, "facts": facts}
