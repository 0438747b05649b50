"""What billing tells, and by when a concern is to be answered: the client hears of it by mail."""

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.bills import texts
from messaging.bills.actions import tell_of_retainer, write
from messaging.notices.cases import case_of
from messaging.outbound.postponed import patient
from shared import clock
from shared.contracts.billing import (
    BillingConcernAnswered,
    BillingConcernResolved,
    BillingDisputeSettled,
    BudgetThresholdCrossed,
    ClosingStatementIssued,
    CreditNoteIssued,
    EstimateIssued,
    EstimateRevised,
    FeesDisclosed,
    InvoiceIssued,
    LatePenaltyCharged,
    LatePenaltyWithdrawn,
    PaymentReceived,
    PaymentReversed,
    RetainerRanLow,
    TrustApplied,
    TrustDeposited,
    TrustRefunded,
)
from shared.contracts.sla_monitor import ConcernDue
from shared.handlers import Handlers
from shared.keyring import unseal

handlers = Handlers()


@handlers.on(FeesDisclosed)
@patient
async def on_fees_disclosed(session: AsyncSession, event: FeesDisclosed) -> None:
    changes = unseal(session, event.changes) if event.changes else None
    text = unseal(session, event.text)
    letter = texts.terms(text, event.terms_version, changes, event.matter_id is not None)
    purpose = f"fee-terms/{event.terms_id}/{event.terms_version}"
    await write(session, event.client_id, event.matter_id, purpose, letter)


@handlers.on(EstimateIssued)
@patient
async def on_estimate_issued(session: AsyncSession, event: EstimateIssued) -> None:
    letter = texts.estimate(event, unseal(session, event.text), None)
    purpose = f"estimate/{event.estimate_id}/{event.estimate_version}"
    await write(session, event.client_id, event.matter_id, purpose, letter)


@handlers.on(EstimateRevised)
@patient
async def on_estimate_revised(session: AsyncSession, event: EstimateRevised) -> None:
    letter = texts.estimate(event, unseal(session, event.text), unseal(session, event.reason))
    purpose = f"estimate/{event.estimate_id}/{event.estimate_version}"
    await write(session, event.client_id, event.matter_id, purpose, letter)


@handlers.on(BudgetThresholdCrossed)
@patient
async def on_budget_threshold_crossed(session: AsyncSession, event: BudgetThresholdCrossed) -> None:
    what = f"{event.estimate_id}/{event.estimate_version}/{event.measure}/{event.percent}"
    letter = texts.threshold(event)
    await write(session, event.client_id, event.matter_id, f"threshold/{what}", letter)


@handlers.on(InvoiceIssued)
@patient
async def on_invoice_issued(session: AsyncSession, event: InvoiceIssued) -> None:
    letter, purpose = texts.invoice(event), f"invoice/{event.invoice_id}"
    await write(session, event.client_id, event.matter_id, purpose, letter)


@handlers.on(ClosingStatementIssued)
@patient
async def on_closing_statement_issued(session: AsyncSession, event: ClosingStatementIssued) -> None:
    letter = texts.closing(event, unseal(session, event.text))
    purpose = f"closing-statement/{event.statement_id}"
    await write(session, event.client_id, event.matter_id, purpose, letter)


@handlers.on(CreditNoteIssued)
@patient
async def on_credit_note_issued(session: AsyncSession, event: CreditNoteIssued) -> None:
    letter = texts.credit_note(event, unseal(session, event.reason))
    purpose = f"credit-note/{event.credit_note_id}"
    await write(session, event.client_id, event.matter_id, purpose, letter)


@handlers.on(PaymentReceived)
@patient
async def on_payment_received(session: AsyncSession, event: PaymentReceived) -> None:
    letter, purpose = texts.payment(event), f"payment/{event.payment_id}"
    await write(session, event.client_id, event.matter_id, purpose, letter)


@handlers.on(PaymentReversed)
@patient
async def on_payment_reversed(session: AsyncSession, event: PaymentReversed) -> None:
    letter = texts.payment_reversed(event, unseal(session, event.reason))
    purpose = f"payment-back/{event.payment_id}"
    await write(session, event.client_id, event.matter_id, purpose, letter)


@handlers.on(LatePenaltyCharged)
@patient
async def on_late_penalty_charged(session: AsyncSession, event: LatePenaltyCharged) -> None:
    letter, purpose = texts.penalty(event), f"penalty/{event.penalty_id}"
    await write(session, event.client_id, event.matter_id, purpose, letter)


@handlers.on(LatePenaltyWithdrawn)
@patient
async def on_late_penalty_withdrawn(session: AsyncSession, event: LatePenaltyWithdrawn) -> None:
    letter, purpose = texts.penalty_withdrawn(event), f"penalty-back/{event.penalty_id}"
    await write(session, event.client_id, event.matter_id, purpose, letter)


@handlers.on(TrustDeposited)
@patient
async def on_trust_deposited(session: AsyncSession, event: TrustDeposited) -> None:
    letter, purpose = texts.deposit(event), f"trust-deposit/{event.deposit_id}"
    await write(session, event.client_id, event.matter_id, purpose, letter)


@handlers.on(TrustApplied)
@patient
async def on_trust_applied(session: AsyncSession, event: TrustApplied) -> None:
    letter, purpose = texts.application(event), f"trust-application/{event.application_id}"
    await write(session, event.client_id, event.matter_id, purpose, letter)


@handlers.on(TrustRefunded)
@patient
async def on_trust_refunded(session: AsyncSession, event: TrustRefunded) -> None:
    letter, purpose = texts.refund(event), f"trust-refund/{event.refund_id}"
    await write(session, event.client_id, event.matter_id, purpose, letter)


@handlers.on(RetainerRanLow)
@patient
async def on_retainer_ran_low(session: AsyncSession, event: RetainerRanLow) -> None:
    """The client is asked, and whoever answers for the matter knows."""
    await tell_of_retainer(session, event)


@handlers.on(ConcernDue)
@patient
async def on_concern_due(session: AsyncSession, event: ConcernDue) -> None:
    """The acknowledgment promises exactly the clock's instants, as it first opened."""
    case = await case_of(session, event.client_id, event.matter_id, clock.now())
    letter = texts.concern_heard(case.contact.name, event.target_at, event.limit_at, case.zone)
    of, purpose = (event.client_id, event.matter_id), f"concern/{event.concern_id}"
    await write(session, *of, purpose, letter, answers=True)


@handlers.on(BillingConcernAnswered)
@patient
async def on_billing_concern_answered(session: AsyncSession, event: BillingConcernAnswered) -> None:
    words, is_answer = unseal(session, event.text), event.step == "answered"
    letter = texts.concern_answered(words, is_answer=is_answer)
    purpose = f"concern-answer/{event.concern_id}/{event.answered_at.isoformat()}"
    await write(session, event.client_id, event.matter_id, purpose, letter, answers=True)


@handlers.on(BillingConcernResolved)
@patient
async def on_billing_concern_resolved(session: AsyncSession, event: BillingConcernResolved) -> None:
    words = unseal(session, event.text)
    letter = texts.concern_resolved(event, words)
    purpose = f"concern-end/{event.concern_id}"
    await write(session, event.client_id, event.matter_id, purpose, letter, answers=True)


@handlers.on(BillingDisputeSettled)
@patient
async def on_billing_dispute_settled(session: AsyncSession, event: BillingDisputeSettled) -> None:
    letter = texts.dispute_settled(event, unseal(session, event.text))
    purpose = f"dispute-end/{event.concern_id}"
    await write(session, event.client_id, event.matter_id, purpose, letter, answers=True)
