"""Events of billing: what was agreed, what was worked, what is owed, and why. Amounts are integers
in the currency's minor unit (ISO 4217); words and narratives are sealed under the client's key."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts.event import ContentRef, Event, Fact, Sealed

FeeKind = Literal["hourly", "flat", "contingent", "retainer", "capped", "none"]
AcceptanceMethod = Literal["engagement", "portal", "signature"]
EntryState = Literal["draft", "billable", "invoiced", "written_off"]
Measure = Literal["fees", "costs", "forecast"]
ConcernKind = Literal[
    "amount", "time", "rate", "unclear", "duplicate", "not_agreed", "expense", "other"
]


class FeesDisclosed(Event, owner="billing", key="client_id", subject="terms_id"):
    """A version of fee terms was explained in writing: for one matter, or, without one, standing
    for later matters of the client. `document` is the PDF that can be accepted, `text` the same
    words; `changes` says what is new against the version before. Not yet accepted by anybody."""

    terms_id: UUID
    terms_version: int
    client_id: UUID
    matter_id: UUID | None = None
    kinds: tuple[FeeKind, ...]
    currency: str
    document: ContentRef
    text: Sealed
    changes: Sealed | None = None
    disclosed_by: UUID
    disclosed_at: AwareDatetime


class FeesAccepted(Event, owner="billing", key="client_id", subject="terms_id"):
    """The client accepted exactly the version whose document has this commitment: by the signed
    engagement, in the portal, or by a signature on paper that a member of staff recorded. Work
    from `accepted_at` on can be billed under it. Told once for each version."""

    terms_id: UUID
    terms_version: int
    client_id: UUID
    matter_id: UUID | None = None
    method: AcceptanceMethod
    commitment: str
    evidence: Sealed | None = None
    accepted_by: UUID
    accepted_at: AwareDatetime


class AmountRange(Fact):
    """An estimate is honest as a range: at least, most likely, at most."""

    low: int
    likely: int
    high: int


class EstimateIssued(Event, owner="billing", key="client_id", subject="estimate_id"):
    """A first estimate of a matter's total was put to the client. Assumptions are in `text`."""

    estimate_id: UUID
    estimate_version: int
    client_id: UUID
    matter_id: UUID
    currency: str
    fees: AmountRange
    costs: AmountRange
    text: Sealed
    issued_at: AwareDatetime


class EstimateRevised(Event, owner="billing", key="client_id", subject="estimate_id"):
    """A new version replaces the estimate before, with the reason. What the client had agreed to
    stays agreed until they agree to this one."""

    estimate_id: UUID
    estimate_version: int
    client_id: UUID
    matter_id: UUID
    currency: str
    fees: AmountRange
    costs: AmountRange
    text: Sealed
    reason: Sealed
    issued_at: AwareDatetime


class EstimateAgreed(Event, owner="billing", key="client_id", subject="estimate_id"):
    """The client understood and agreed to this version: its upper ends are the agreed amounts."""

    estimate_id: UUID
    estimate_version: int
    client_id: UUID
    matter_id: UUID
    agreed_by: UUID
    agreed_at: AwareDatetime


class BudgetThresholdCrossed(Event, owner="billing", key="client_id", subject="matter_id"):
    """Fees, costs or the forecast reached a share of the estimate in force: once for each version,
    measure and percentage, however many entries cross it. `reached` is that measure, `estimated`
    its upper end in the estimate; `forecast` is what the whole matter is now expected to cost."""

    matter_id: UUID
    client_id: UUID
    estimate_id: UUID
    estimate_version: int
    measure: Measure
    percent: int
    currency: str
    estimated: int
    reached: int
    forecast: int
    agreed: bool
    crossed_at: AwareDatetime


class TimeRecorded(Event, owner="billing", key="client_id", subject="entry_id"):
    """Work was recorded, or a fixed fee fell due (`phase`, without minutes). A `draft` cannot be
    billed, for the reasons in `missing`; `amount` is what the terms make of it, None where no rate
    is known."""

    entry_id: UUID
    client_id: UUID
    matter_id: UUID
    staff_id: UUID
    worked_on: date
    minutes: int
    billed_minutes: int
    state: EntryState
    missing: tuple[str, ...] = ()
    currency: str | None = None
    rate: int | None = None
    amount: int | None = None
    task_code: str | None = None
    activity_code: str | None = None
    phase: str | None = None
    narrative: Sealed
    beyond_agreed: bool = False
    recorded_by: UUID
    recorded_at: AwareDatetime


class ExpenseRecorded(Event, owner="billing", key="client_id", subject="entry_id"):
    """A cost was laid out for the client; the receipt stays sealed with billing."""

    entry_id: UUID
    client_id: UUID
    matter_id: UUID
    staff_id: UUID
    incurred_on: date
    state: EntryState
    missing: tuple[str, ...] = ()
    currency: str
    amount: int
    expense_code: str | None = None
    narrative: Sealed
    receipt: ContentRef | None = None
    beyond_agreed: bool = False
    recorded_by: UUID
    recorded_at: AwareDatetime


class EntryCorrected(Event, owner="billing", key="client_id", subject="entry_id"):
    """A new version of a time or expense entry replaces the one before; both stay. `cause` says
    what made it: a person's correction, the client's acceptance of exactly it, a partner's
    exception or override, terms that were heard of later, or a write-off."""

    entry_id: UUID
    entry_version: int
    client_id: UUID
    matter_id: UUID
    cause: Literal["correction", "acceptance", "exception", "override", "terms", "write_off"]
    state: EntryState
    missing: tuple[str, ...] = ()
    minutes: int | None = None
    billed_minutes: int | None = None
    currency: str | None = None
    rate: int | None = None
    amount: int | None = None
    narrative: Sealed | None = None
    reason: Sealed | None = None
    beyond_agreed: bool = False
    corrected_by: UUID
    corrected_at: AwareDatetime


class Posting(Fact):
    """One side of a posting: a debit is positive, a credit negative."""

    book: Literal["operating", "trust"]
    account: str
    amount: int


class LedgerPosted(Event, owner="billing", key="client_id", subject="transaction_id"):
    """A double entry was posted; each book in it sums to zero. It is never edited: a correction is
    another posting. `cause_id` is the invoice, payment or transfer that it books."""

    transaction_id: UUID
    client_id: UUID
    matter_id: UUID
    kind: str
    currency: str
    postings: tuple[Posting, ...]
    occurred_on: date
    cause_id: UUID
    posted_at: AwareDatetime


class InvoiceIssued(Event, owner="billing", key="client_id", subject="invoice_id"):
    """An approved invoice got its gapless number and is owed from now on. `total` = fees + expenses
    + adjustments + tax; adjustments are discounts, negative."""

    invoice_id: UUID
    number: str
    client_id: UUID
    matter_id: UUID
    currency: str
    fees: int
    expenses: int
    adjustments: int
    tax: int
    total: int
    line_count: int
    period_from: date
    period_to: date
    due_on: date
    approved_by: UUID
    issued_at: AwareDatetime


class CreditNoteIssued(Event, owner="billing", key="client_id", subject="credit_note_id"):
    """Part or all of an invoice is no longer owed; the invoice itself stays as it was issued."""

    credit_note_id: UUID
    number: str
    invoice_id: UUID
    client_id: UUID
    matter_id: UUID
    currency: str
    total: int
    reason: Sealed
    issued_at: AwareDatetime


class PaymentReceived(Event, owner="billing", key="client_id", subject="payment_id"):
    """Money for an invoice arrived on the operating account, as a person recorded."""

    payment_id: UUID
    invoice_id: UUID
    client_id: UUID
    matter_id: UUID
    currency: str
    amount: int
    open_after: int
    method: str
    received_on: date
    recorded_at: AwareDatetime


class PaymentReversed(Event, owner="billing", key="client_id", subject="payment_id"):
    """A payment came back (a bounced cheque, a chargeback): what it had paid is owed again."""

    payment_id: UUID
    invoice_id: UUID
    client_id: UUID
    matter_id: UUID
    currency: str
    amount: int
    open_after: int
    reason: Sealed
    reversed_at: AwareDatetime


class TrustDeposited(Event, owner="billing", key="client_id", subject="deposit_id"):
    """Client money was paid into trust; it is the client's until it is applied."""

    deposit_id: UUID
    client_id: UUID
    matter_id: UUID
    currency: str
    amount: int
    balance_after: int
    received_on: date
    recorded_at: AwareDatetime


class TrustApplied(Event, owner="billing", key="client_id", subject="application_id"):
    """Client money paid an issued, undisputed invoice; never more than the client has there."""

    application_id: UUID
    invoice_id: UUID
    client_id: UUID
    matter_id: UUID
    currency: str
    amount: int
    balance_after: int
    open_after: int
    applied_at: AwareDatetime


class LatePenaltyCharged(Event, owner="billing", key="client_id", subject="invoice_id"):
    """A penalty as disclosed in the terms, for the days up to and including `through`; disputed
    lines bear none."""

    penalty_id: UUID
    invoice_id: UUID
    client_id: UUID
    matter_id: UUID
    currency: str
    amount: int
    open_after: int
    through: date
    charged_at: AwareDatetime


class LatePenaltyWithdrawn(Event, owner="billing", key="client_id", subject="invoice_id"):
    """Part of what was charged as a penalty is owed no more: money turned out to have arrived, or a
    dispute to have begun, before the days that were counted, or what was late was credited."""

    penalty_id: UUID
    invoice_id: UUID
    client_id: UUID
    matter_id: UUID
    currency: str
    amount: int
    open_after: int
    through: date
    withdrawn_at: AwareDatetime


class TrustRefunded(Event, owner="billing", key="client_id", subject="refund_id"):
    """Client money went back to the client from trust, as a person recorded."""

    refund_id: UUID
    client_id: UUID
    matter_id: UUID
    currency: str
    amount: int
    balance_after: int
    refunded_at: AwareDatetime


class RetainerRanLow(Event, owner="billing", key="client_id", subject="matter_id"):
    """What is left in trust of a payment in advance fell below what the accepted terms ask the
    client to keep there: told with the movement that took it below, and not again until it was
    filled up and falls anew. `asked` fills it up to the agreed amount."""

    matter_id: UUID
    client_id: UUID
    terms_id: UUID
    terms_version: int
    currency: str
    left: int
    below: int
    asked: int
    ran_low_at: AwareDatetime


class ClosingStatementIssued(Event, owner="billing", key="client_id", subject="statement_id"):
    """A contingent matter was decided and the client is told in writing how it ended, what they
    receive and how that was counted (Rule 1.5(c)). A corrected statement is a higher version, and
    replaces the one before. `percent` is decimal text; `base` is what it was taken of. A negative
    `to_client` is owed by the client."""

    statement_id: UUID
    statement_version: int
    client_id: UUID
    matter_id: UUID
    terms_id: UUID
    terms_version: int
    stage: str | None = None
    currency: str
    recovered: int
    base: int
    percent: str
    fee: int
    expenses: int
    others: int
    to_client: int
    outcome: Sealed
    text: Sealed
    document: ContentRef
    issued_by: UUID
    issued_at: AwareDatetime


class BillingConcernRaised(Event, owner="billing", key="client_id", subject="concern_id"):
    """A client questions a bill, on any channel, `raised_at` when they did. With `disputed` the
    amount is contested: it bears no penalty and stays apart in trust until this is resolved.
    `message_id` is the client's message that it was read from."""

    concern_id: UUID
    client_id: UUID
    matter_id: UUID
    invoice_id: UUID | None = None
    lines: tuple[int, ...] = ()
    kind: ConcernKind
    channel: Literal["portal", "email", "phone", "staff"]
    disputed: int = 0
    currency: str | None = None
    text: Sealed
    owner_id: UUID | None = None
    raised_at: AwareDatetime
    message_id: UUID | None = None


class BillingConcernAnswered(Event, owner="billing", key="client_id", subject="concern_id"):
    """A person answered: `acknowledged` says that somebody is on it, `answered` explains. Only the
    second keeps the promise of an answer."""

    concern_id: UUID
    client_id: UUID
    matter_id: UUID
    step: Literal["acknowledged", "answered"]
    text: Sealed
    answered_by: UUID
    answered_at: AwareDatetime


class BillingConcernResolved(Event, owner="billing", key="client_id", subject="concern_id"):
    """It ended in an explanation, in a credit note, or as a dispute that others decide; the client
    sees which. With `arbitration_until` the client may ask for fee arbitration until that day: they
    were served the form named in `arbitration_form`."""

    concern_id: UUID
    client_id: UUID
    matter_id: UUID
    outcome: Literal["explanation", "credit", "dispute"]
    credit_note_id: UUID | None = None
    arbitration_until: date | None = None
    text: Sealed
    resolved_by: UUID
    resolved_at: AwareDatetime
    arbitration_form: str | None = None


class BillingDisputeSettled(Event, owner="billing", key="client_id", subject="concern_id"):
    """What a concern had left to others to decide is decided, in words, and by a credit note where
    something was credited. What was set apart is free again. Told once, after the
    BillingConcernResolved whose outcome was a dispute."""

    concern_id: UUID
    client_id: UUID
    matter_id: UUID
    credit_note_id: UUID | None = None
    text: Sealed
    settled_by: UUID
    settled_at: AwareDatetime
