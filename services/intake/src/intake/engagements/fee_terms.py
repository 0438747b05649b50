"""What an agreement costs: terms that billing disclosed to this client, or, where somebody said so,
terms entered by hand. One signature accepts agreement and fee terms."""

from base64 import b64encode
from collections.abc import Collection

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

import intake.fees.queries as fees
from intake.engagements import rules
from intake.engagements.models import Engagement
from intake.engagements.terms import AgreedFees, FeesByHand, NamedFees, NewTerms, Terms
from intake.fees.models import DisclosedFees
from intake.fees.rules import basis
from shared import sealing
from shared.contracts.intake import AgreedFeeTerms
from shared.errors import Invalid
from shared.ids import new_id
from shared.keyring import keys_of


async def settle(session: AsyncSession, row: Engagement, wanted: NewTerms) -> Terms:
    """Fill in what was disclosed, and keep on the row what will be told. Raises what stands
    against these fees. The client's key must be held."""
    if isinstance(wanted.fees, NamedFees):
        return wanted.agreed(await _disclosed(session, row, wanted.fees))
    _refuse_forbidden(row, [wanted.fees.basis])
    row.fee_terms = _by_hand(session, row, wanted.fees).model_dump(mode="json")
    return wanted.agreed(wanted.fees)


async def require_newest(session: AsyncSession, row: Engagement) -> None:
    """Raises FeesSuperseded: what billing replaced since is neither offered nor signed."""
    agreed = AgreedFeeTerms.model_validate(row.fee_terms)
    if not agreed.by_hand:
        await fees.require_newest(session, agreed.terms_id, agreed.version)


async def _disclosed(session: AsyncSession, row: Engagement, named: NamedFees) -> AgreedFees:
    found = await fees.disclosed(
        session,
        named.terms_id,
        named.version,
        named.commitment,
        client_id=row.client_id,
        matter_id=row.matter_id,
    )
    _refuse_forbidden(row, found.kinds)
    row.fee_terms = _as_disclosed(found).model_dump(mode="json")
    return AgreedFees(
        basis=basis(found.kinds),
        explanation=fees.words_of(session, found),
        **named.model_dump(),
    )


def _as_disclosed(found: DisclosedFees) -> AgreedFeeTerms:
    return AgreedFeeTerms(
        terms_id=found.terms_id,
        version=found.version,
        basis=basis(found.kinds),
        commitment=found.commitment,
    )


def _by_hand(session: AsyncSession, row: Engagement, entered: FeesByHand) -> AgreedFeeTerms:
    """Bound by a digest under the client's key: a plain one would confirm a guess."""
    exact = orjson.dumps(entered.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    key = keys_of(session).key(row.client_id)
    return AgreedFeeTerms(
        terms_id=new_id(),
        version=1,
        basis=entered.basis,
        commitment=b64encode(sealing.keyed_digest(key, "fee terms", exact)).decode(),
        by_hand=True,
    )


def _refuse_forbidden(row: Engagement, kinds: Collection[str]) -> None:
    if rules.forbids_contingent_fee(kinds, row.practice_area):
        raise Invalid("A contingent fee is not allowed in this practice area (Rule 1.5(d)).")
