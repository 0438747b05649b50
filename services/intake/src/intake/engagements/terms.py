"""What is agreed, as data: it stays machine-readable, so that later behaviour can be held to it."""

from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from intake.names.rules import Kind
from intake.templates.wording import Text
from shared.contracts.intake import FeeBasis
from shared.values import EmailAddress, Line, PhoneNumber, Slug

Lines = Annotated[list[Text], Field(max_length=200)]
Duration = Annotated[
    str,
    StringConstraints(max_length=20, pattern=r"^(P\d{1,4}[WD]|PT\d{1,4}[HM])$"),
]
"""ISO 8601 in one unit, such as PT24H or P14D."""


class Term(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(Term):
    what: Line
    when: Line


class Communication(Term):
    """Null where the firm's policy rules."""

    acknowledge_within: Duration | None = None
    respond_within: Duration | None = None
    update_every: Duration | None = None
    channel: Literal["email", "portal", "phone", "letter"] = "email"


class Rate(Term):
    who: Line
    amount: Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    per: Literal["hour", "case", "month", "percent"]


class FeesByHand(Term):
    """Entered with the agreement: explained in words, with the rates as data. Billing never
    disclosed them, so nothing can be billed under them before it did and they were accepted."""

    kind: Literal["by_hand"]
    basis: FeeBasis
    explanation: Text
    rates: Annotated[list[Rate], Field(max_length=50)] = []
    expenses: Text | None = None
    invoiced_every: Duration | None = None
    late_penalty: Text | None = None


class NamedFees(Term):
    """Disclosed by billing to this client: exactly this version, by the commitment of its very
    document."""

    kind: Literal["disclosed"]
    terms_id: UUID
    version: Annotated[int, Field(ge=1)]
    commitment: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class AgreedFees(NamedFees):
    """With the words that were disclosed: they stand in the agreement."""

    basis: FeeBasis
    explanation: str


class BesideFees(Term):
    title: Line
    practice_area: Slug
    scope: Text
    exclusions: Lines = []
    timeline: Annotated[list[Step], Field(max_length=200)] = []
    firm_will: Lines
    client_will: Lines
    communication: Communication = Communication()
    emergency: Text
    more: Lines = []


class NewTerms(BesideFees):
    """As they are drafted."""

    fees: Annotated[NamedFees | FeesByHand, Field(discriminator="kind")]

    def agreed(self, fees: "AgreedFees | FeesByHand") -> "Terms":
        return Terms(fees=fees, **{name: getattr(self, name) for name in BesideFees.model_fields})


class Terms(BesideFees):
    """As they are read, signed and told."""

    fees: Annotated[AgreedFees | FeesByHand, Field(discriminator="kind")]


class MustSign(Term):
    """`capacity`: for whom, when not for themselves ("Director of Example Ltd"). `joint_client`: by
    this signature somebody becomes a client of their own beside who asked, namely who signs or,
    with a capacity, whom `signs_for` names; `kind`, `phone` and, of who is a client already,
    `client_id` are theirs."""

    name: Line
    email: EmailAddress
    capacity: Line | None = None
    joint_client: bool = False
    kind: Kind = "person"
    phone: PhoneNumber | None = None
    signs_for: Line | None = None
    client_id: UUID | None = None

    @model_validator(mode="after")
    def _says_who_becomes_a_client(self) -> Self:
        if not self.joint_client and self.model_fields_set & {
            "kind", "phone", "signs_for", "client_id"
        }:  # fmt: skip
            raise ValueError("kind, phone, signs_for and client_id are of a joint client")
        if self.joint_client and bool(self.capacity) != bool(self.signs_for):
            raise ValueError("signs_for names the joint client for whom one with a capacity signs")
        if self.kind == "company" and not self.signs_for:
            raise ValueError("a company signs by somebody with a capacity: name it in signs_for")
        return self
