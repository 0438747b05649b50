"""Fees in mail: what happened, what it means, what the client can do. Figures come from the event,
words from whoever wrote them; nothing here decides anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from messaging.email.rendering import Block, Quoted, Rows
from messaging.email.texts import moment
from shared.contracts.billing import (
    BillingConcernResolved,
    BillingDisputeSettled,
    BudgetThresholdCrossed,
    ClosingStatementIssued,
    CreditNoteIssued,
    EstimateIssued,
    EstimateRevised,
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

# ISO 4217 minor units where they are not two.
_DIGITS = {"BHD": 3, "JOD": 3, "KWD": 3, "OMR": 3, "TND": 3} | dict.fromkeys(
    ("CLP", "ISK", "JPY", "KRW", "UGX", "VND"), 0
)
_MEASURES = {
    "fees": "Our fees have",
    "costs": "The expenses have",
    "forecast": "What we now expect your matter to cost in all has",
}


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A subject and what follows it; the greeting is added when it is sent."""

    subject: str
    blocks: Sequence[Block]


def spoken(amount: int, currency: str) -> str:
    """25000000 of USD → `USD 250,000.00`."""
    digits = _DIGITS.get(currency, 2)
    whole, rest = divmod(abs(amount), 10**digits)
    point = f".{rest:0{digits}d}" if digits else ""
    return f"{currency} {'-' if amount < 0 else ''}{whole:,}{point}"


def terms(text: str, version: int, changes: str | None, of_matter: bool) -> Letter:
    what = "for this matter" if of_matter else "for your later matters"
    lead = (
        f"Here is what our work costs {what}, in plain words. Nothing can be billed to you before"
        " you have accepted it."
        if version == 1
        else f"We propose to change what our work costs {what}. What you accepted before stays in"
        " force until you accept this."
    )
    return Letter(
        subject="Our fees, in plain words" if version == 1 else "A change of our fees",
        blocks=(
            lead,
            *([Quoted(changes)] if changes else []),
            Quoted(text),
            "You can read the document, ask about it and accept it in the portal. If anything in it"
            " is not clear to you, just reply to this email: a person answers.",
        ),
    )


def estimate(event: EstimateIssued | EstimateRevised, text: str, reason: str | None) -> Letter:
    total = event.fees.high + event.costs.high
    likely = event.fees.likely + event.costs.likely
    currency = event.currency
    rows = Rows(
        (
            ("Most likely, in all", spoken(likely, currency)),
            ("At most, as we see it today", spoken(total, currency)),
        )
    )
    if reason is None:
        return Letter(
            subject="What we expect this to cost",
            blocks=("This is what we expect your matter to cost.", rows, Quoted(text), _AGREE),
        )
    return Letter(
        subject="What we expect this to cost has changed",
        blocks=("Something has changed, and with it what we expect your matter to cost:",
                Quoted(reason), rows, Quoted(text), _AGREE),
    )  # fmt: skip


_AGREE = (
    "Please tell us in the portal whether you agree. You need not: you can ask us to do less, to do"
    " it differently, or to stop. Until you decide, what you agreed to before stays as it is."
)


def threshold(event: BudgetThresholdCrossed) -> Letter:
    """One sentence that lets the client decide, and what they can decide."""
    reached, whole = spoken(event.reached, event.currency), spoken(event.estimated, event.currency)
    base = "that you agreed to" if event.agreed else "of our estimate"
    lead = (
        f"{_MEASURES[event.measure]} passed {event.percent} % of the {whole} {base}: now {reached}."
    )
    expected = spoken(event.forecast, event.currency)
    return Letter(
        subject=f"Your matter has passed {event.percent} % of its estimate",
        blocks=(
            lead,
            f"In all we now expect {expected}, fees and expenses together.",
            "You can let us go on as planned, ask us to do less or otherwise, or ask us to stop and"
            " talk first: just reply to this email. Nothing beyond the agreed amount is billed to"
            " you without your agreement or a partner's reason that you will read.",
        ),
    )


def invoice(event: InvoiceIssued) -> Letter:
    sums = [("Fees", event.fees), ("Expenses", event.expenses), ("Reductions", event.adjustments),
            ("Tax", event.tax), ("To pay", event.total)]  # fmt: skip
    said = [(name, spoken(amount, event.currency)) for name, amount in sums if amount]
    said.append(("Please pay by", _day(event.due_on)))
    return Letter(
        subject=f"Invoice {event.number}",
        blocks=(
            f"Your invoice {event.number} covers our work from {_day(event.period_from)} to"
            f" {_day(event.period_to)}.",
            Rows(tuple(said)),
            "You find it in the portal, with each piece of work, who did it, how long it took and"
            " what it cost. You can question any line there, or by replying to this email: a person"
            " answers, and what you dispute bears no penalty meanwhile.",
        ),
    )


def credit_note(event: CreditNoteIssued, reason: str) -> Letter:
    return Letter(
        subject=f"Credit note {event.number}",
        blocks=(
            f"We have credited {spoken(event.total, event.currency)} on an invoice of yours: you do"
            " not owe it. The reason:",
            Quoted(reason),
            "What you had paid of it already is yours, and kept for you in our trust account.",
        ),
    )


def payment(event: PaymentReceived) -> Letter:
    rows = Rows((("Received", spoken(event.amount, event.currency)), _left(event)))
    lead = f"Thank you: your payment of {_day(event.received_on)} has arrived."
    return Letter(subject="We have received your payment", blocks=(lead, rows))


def payment_reversed(event: PaymentReversed, reason: str) -> Letter:
    return Letter(
        subject="A payment of yours came back",
        blocks=(
            f"Your payment of {spoken(event.amount, event.currency)} came back to you, so it is"
            " owed again. The reason:",
            Quoted(reason),
            Rows((_left(event),)),
        ),
    )


def penalty(event: LatePenaltyCharged) -> Letter:
    return Letter(
        subject="A penalty for late payment, as agreed",
        blocks=(
            f"An invoice of yours is overdue. By the terms that you accepted we have added"
            f" {spoken(event.amount, event.currency)}, counted up to {_day(event.through)}.",
            Rows((_left(event),)),
            "If you dispute the invoice or cannot pay now, just reply to this email: a person"
            " answers, and what you dispute bears no penalty meanwhile.",
        ),
    )


def penalty_withdrawn(event: LatePenaltyWithdrawn) -> Letter:
    return Letter(
        subject="A penalty was taken back",
        blocks=(
            f"We had charged {spoken(event.amount, event.currency)} too much for late payment: it"
            " turned out that less was overdue, or for fewer days. You do not owe it.",
            Rows((_left(event),)),
        ),
    )


def deposit(event: TrustDeposited) -> Letter:
    return _in_trust(
        event,
        "Your money is in our trust account",
        f"We keep {spoken(event.amount, event.currency)} for you in our trust account. It is yours"
        " until it pays an invoice that you have received.",
    )


def application(event: TrustApplied) -> Letter:
    return _in_trust(
        event,
        "An invoice was paid from your money in trust",
        f"We have paid {spoken(event.amount, event.currency)} of an invoice that you have received"
        f" from your money in our trust account. Of the invoice"
        f" {spoken(event.open_after, event.currency)} is left to pay.",
    )


def refund(event: TrustRefunded) -> Letter:
    amount = spoken(event.amount, event.currency)
    lead = f"{amount} of your money in our trust account has gone back to you."
    return _in_trust(event, "Your money has come back to you", lead)


def retainer(event: RetainerRanLow) -> Letter:
    """A request, not a bill: nothing is owed by it."""
    return Letter(
        subject="Your payment in advance has run low",
        blocks=(
            f"Of what you paid in advance {spoken(event.left, event.currency)} is left; we agreed"
            f" to keep at least {spoken(event.below, event.currency)} there.",
            f"Please fill it up with {spoken(event.asked, event.currency)}. It stays yours until it"
            " pays an invoice that you have received, and what is left at the end comes back to"
            " you. If you would rather talk first, just reply to this email.",
        ),
    )


def low_retainer(client: str, event: RetainerRanLow) -> Sequence[Block]:
    """To staff."""
    return (
        f"The payment in advance of {client} has run low. The client was asked to fill it up.",
        Rows(
            (
                ("Left in trust", spoken(event.left, event.currency)),
                ("Agreed level", spoken(event.below, event.currency)),
                ("Asked for", spoken(event.asked, event.currency)),
            )
        ),
    )


def _in_trust(event: TrustDeposited | TrustApplied | TrustRefunded, subject: str, lead: str) -> (
    Letter
):  # fmt: skip
    kept = ("Yours in trust for this matter", spoken(event.balance_after, event.currency))
    return Letter(subject=subject, blocks=(lead, Rows((kept,))))


def _left(
    event: PaymentReceived | PaymentReversed | LatePenaltyCharged | LatePenaltyWithdrawn,
) -> tuple[str, str]:
    return "Left to pay on this invoice", spoken(event.open_after, event.currency)


def closing(event: ClosingStatementIssued, text: str) -> Letter:
    """The whole statement: it is owed in writing (Rule 1.5(c))."""
    left = spoken(abs(event.to_client), event.currency)
    if event.recovered == 0:
        lead = "Your matter has ended without a recovery. Here is what that means."
    elif event.to_client >= 0:
        lead = f"Your matter has ended, and you receive {left}. Here is how that was counted."
    else:
        lead = f"Your matter has ended. After all expenses {left} is left to pay; here is why."
    again = (
        "This replaces the statement that you had before." if event.statement_version > 1 else ""
    )
    return Letter(
        subject="How your matter ended, and what you receive",
        blocks=(
            lead,
            *([again] if again else []),
            Quoted(text),
            "You find the document in the portal. If a figure is not clear to you, or you see it"
            " differently, just reply to this email: a person answers.",
        ),
    )


def concern_heard(contact: str, by: datetime, at_latest: datetime, zone: ZoneInfo) -> Letter:
    return Letter(
        subject="We have your question about a bill",
        blocks=(
            "Thank you for telling us. Your concern is with a person, and its time runs.",
            Rows(
                (
                    ("Your answer comes from", contact),
                    ("We aim to answer by", moment(by, zone)),
                    ("At the latest by", moment(at_latest, zone)),
                )
            ),
            "What you dispute bears no penalty until this is resolved.",
        ),
    )


def concern_answered(words: str, *, is_answer: bool) -> Letter:
    return Letter(
        subject="Your question about a bill",
        blocks=(
            "Here is our answer:" if is_answer else "A person is looking at your concern:",
            Quoted(words),
            "If this does not settle it, just reply to this email.",
        ),
    )


def concern_resolved(event: BillingConcernResolved, words: str) -> Letter:
    leads = {
        "explanation": "Your concern about a bill was looked into, and the bill stands:",
        "credit": "You were right, and we have credited what was wrong:",
        "dispute": "We could not agree about your concern, and others can now decide it:",
    }
    right = (
        f"You can ask for fee arbitration by the local bar association until"
        f" {_day(event.arbitration_until)}, as it says in the form that you were served"
        f" ({event.arbitration_form}). This email does not replace it. What you dispute stays apart"
        " until then."
        if event.arbitration_until
        else "If you see it differently, just reply to this email."
    )
    return Letter(
        subject="Your question about a bill: how it ended",
        blocks=(leads[event.outcome], Quoted(words), right),
    )


def dispute_settled(event: BillingDisputeSettled, words: str) -> Letter:
    owed = (
        "What was credited is in the credit note; you do not owe it."
        if event.credit_note_id
        else "What you had disputed is owed like everything else from now on."
    )
    return Letter(
        subject="Our dispute about a bill is decided",
        blocks=("Others have decided what we could not agree about:", Quoted(words), owed),
    )


def concern_delayed(contact: str, at_latest: datetime, zone: ZoneInfo) -> Letter:
    return Letter(
        subject="Our answer about your bill takes longer",
        blocks=(
            f"We had aimed to answer you by now. {contact} has not been able to, and we are sorry"
            " for the wait.",
            Rows((("At the latest by", moment(at_latest, zone)),)),
        ),
    )


def waiting_concern(client: str, lead: str, at_latest: datetime, zone: ZoneInfo) -> Sequence[Block]:
    """To staff; nothing of the client's words is in it."""
    return (
        lead,
        Rows((("Client", client), ("Answer at the latest by", moment(at_latest, zone)))),
        "Answer it in billing: the client receives your answer by mail, and the clock is met.",
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
