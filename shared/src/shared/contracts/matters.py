"""Events of matters: the firm, its people, its clients, their matters, who works on them, and what
clients are told and asked."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.contracts.event import ContentRef, Event, Fact, Sealed

Role = Literal[
    "partner", "attorney", "paralegal", "billing", "compliance", "operations", "integration"
]

Duty = Literal["lead", "associate", "paralegal", "support"]
UpdateAbout = Literal["milestone", "development", "deadline", "request", "no_news", "report"]
PartyRole = Literal["client", "joint_client", "related", "adverse"]
ClientKind = Literal["person", "company"]
DisclosureBasis = Literal["consent", "law", "court_order"]
DecisionKind = Literal[
    "settlement_offer", "plea_offer", "jury_waiver", "testimony", "conflict_waiver", "fee_change",
    "appeal", "strategy", "other",
]  # fmt: skip
Jointly = Literal["waiting", "agreed", "divided"]
WallKind = Literal["screen", "need_to_know"]
FileChannel = Literal["portal", "email", "letter", "courier", "in_person"]


class EmergencyContact(Fact):
    """What a client in an emergency is told: it is printed in every acknowledgment."""

    phone: str = ""
    email: str = ""
    text: str = ""


class FirmChanged(Event, owner="matters", key="firm_id"):
    """The firm's name, zone, calendar, mail addresses or emergency contact were set or changed.
    Carries all of them; firm facts are public, so nothing is sealed."""

    firm_id: UUID
    name: str
    time_zone: str
    calendar_id: UUID | None
    addresses: tuple[str, ...]
    emergency: EmergencyContact
    revision: int


class StaffRegistered(Event, owner="matters", key="staff_id"):
    """Somebody of the firm was entered in the directory. Name, address and phone are sealed
    under the firm's key."""

    staff_id: UUID
    name: Sealed
    email: Sealed
    phone: Sealed | None = None
    role: Role
    supervisor_id: UUID | None = None
    stand_in_id: UUID | None = None
    managing_partner: bool = False


class StaffChanged(Event, owner="matters", key="staff_id"):
    """The directory entry of a member of staff changed. Carries the whole entry."""

    staff_id: UUID
    name: Sealed
    email: Sealed
    phone: Sealed | None = None
    role: Role
    supervisor_id: UUID | None = None
    stand_in_id: UUID | None = None
    managing_partner: bool = False
    active: bool = True


class ClientRegistered(Event, owner="matters", key="client_id"):
    """A client exists from now on and has an id, a stream and a data key. Told once."""

    client_id: UUID
    state: Literal["prospective", "active"] = "active"
    kind: ClientKind = "person"
    name: Sealed
    email: Sealed
    phone: Sealed | None = None
    time_zone: str
    preferences: dict[str, str] = Field(default_factory=dict)
    registered_at: AwareDatetime | None = None


class ClientContact(Fact):
    """Somebody who speaks for a client: may decide for them, or may only be informed."""

    contact_id: UUID
    name: Sealed
    email: Sealed
    phone: Sealed | None = None
    authority: Literal["decide", "inform"]


class ClientChanged(Event, owner="matters", key="client_id"):
    """A client's contact details, zone, preferences or contacts changed. Carries all of them."""

    client_id: UUID
    state: Literal["prospective", "active"] = "active"
    kind: ClientKind = "person"
    name: Sealed
    email: Sealed
    phone: Sealed | None = None
    time_zone: str
    preferences: dict[str, str] = Field(default_factory=dict)
    contacts: tuple[ClientContact, ...] = ()


class MatterOpened(Event, owner="matters", key="client_id", subject="matter_id"):
    """A matter of a client was opened, by a signed engagement or by a partner with a recorded
    reason. `number` is what people quote; it joins nothing by itself."""

    matter_id: UUID
    client_id: UUID
    number: str
    title: Sealed
    practice_area: str
    reason: Sealed
    opened_at: AwareDatetime
    engagement_id: UUID | None = None


class MatterParty(Fact):
    """Somebody whom a matter concerns; `also` are former and other names."""

    party_id: UUID
    role: PartyRole
    kind: Literal["person", "company"]
    name: Sealed
    also: tuple[Sealed, ...] = ()


class PartiesChanged(Event, owner="matters", key="client_id", subject="matter_id"):
    """Whom a matter concerns changed: its clients, those on their side, those against them. Carries
    all of them, so that conflicts can be looked for among them."""

    matter_id: UUID
    client_id: UUID
    revision: int
    parties: tuple[MatterParty, ...]


class JointClientJoined(Event, owner="matters", key="client_id", subject="matter_id"):
    """A client is represented jointly in a matter of another (Model Rule 1.7, comments 29 to 33):
    from `joined_at` on they are told, asked and answered on their own, each event of theirs with
    their own `client_id` and this `matter_id`. `client_id` is the matter's client, who stays what
    they are. `reason` says how both agreed to it. Told once for each `membership_id`."""

    membership_id: UUID
    matter_id: UUID
    client_id: UUID
    joint_client_id: UUID
    reason: Sealed
    joined_at: AwareDatetime


class JointClientLeft(Event, owner="matters", key="client_id", subject="matter_id"):
    """The joint representation of this client in this matter ended; that of the others did not.
    What they were told stands. Told once."""

    membership_id: UUID
    matter_id: UUID
    client_id: UUID
    joint_client_id: UUID
    reason: Sealed
    left_at: AwareDatetime


class CadencePromised(Event, owner="matters", key="client_id", subject="matter_id"):
    """From now on the client is to hear of this matter at least every `days` days; null: as the
    firm's policy for updates says, as for every matter of which nothing was told."""

    matter_id: UUID
    client_id: UUID
    revision: int
    days: int | None


class FileHandedOver(Event, owner="matters", key="client_id", subject="matter_id"):
    """The client, or a contact of theirs, was given the file of a matter (Model Rule 1.16(d)): the
    bundle that RecordExported tells as `export_id`, with `entries` of the record and the digest of
    its list of files. Told once for each time. Does not mean that the matter is closed."""

    handover_id: UUID
    matter_id: UUID
    client_id: UUID
    export_id: UUID
    entries: int
    digest: str
    given_to: UUID
    channel: FileChannel
    note: Sealed | None = None
    given_by: UUID
    given_at: AwareDatetime


class LeftOpen(Fact):
    """Something that was still owed when a matter closed, and why it was given up. `kind`: the kind
    of a clock, or `decision`, `question`, `file` (its id is the matter's)."""

    id: UUID
    kind: str
    reason: Sealed


class MatterClosed(Event, owner="matters", key="client_id", subject="matter_id"):
    """The matter is closed, and nothing is owed in it any more. What was still open was given up
    with a reason (`left_open`; `given_up` are its ids). `file_handover_id`: how the client got the
    file; null says that they did not, for the reason given. Retention counts from `closed_at`."""

    matter_id: UUID
    client_id: UUID
    closed_at: AwareDatetime
    closed_by: UUID
    reason: Sealed
    given_up: tuple[UUID, ...] = ()
    left_open: tuple[LeftOpen, ...] = ()
    file_handover_id: UUID | None = None


class MilestoneReached(Event, owner="matters", key="client_id", subject="milestone_id"):
    """A matter reached a milestone of its plan: told after the undo window, once per milestone and
    matter. `slug` names it within the version of the plan. Does not mean that the client knows."""

    milestone_id: UUID
    matter_id: UUID
    client_id: UUID
    plan: str
    plan_version: int
    slug: str
    reached_at: AwareDatetime
    note: Sealed | None = None


class MilestoneReverted(Event, owner="matters", key="client_id", subject="milestone_id"):
    """A milestone that was told was not reached after all. What it would have sent and has not is
    cancelled; what was sent stands, and the client is told of the mistake by a person."""

    milestone_id: UUID
    matter_id: UUID
    client_id: UUID
    slug: str
    reason: Sealed
    reverted_at: AwareDatetime


class DevelopmentRecorded(Event, owner="matters", key="client_id", subject="development_id"):
    """Something happened in a matter that is no milestone. A significant one the client must hear
    of. Told once, after the undo window."""

    development_id: UUID
    matter_id: UUID
    client_id: UUID
    significant: bool
    summary: Sealed
    happened_at: AwareDatetime


class DeadlineScheduled(Event, owner="matters", key="client_id", subject="deadline_id"):
    """Something in a matter must be done or will take place by an instant. Told after the undo
    window, and again with a higher revision when it is moved, met or called off."""

    deadline_id: UUID
    revision: int = 1
    matter_id: UUID
    client_id: UUID
    title: Sealed
    due_at: AwareDatetime
    cancelled: bool = False
    met_at: AwareDatetime | None = None


class UpdateRequested(Event, owner="matters", key="client_id", subject="matter_id"):
    """The client asked how their matter stands. Asked again before it is answered, it is told
    once."""

    request_id: UUID
    matter_id: UUID
    client_id: UUID
    requested_at: AwareDatetime


class ProgressUpdateApproved(Event, owner="matters", key="client_id", subject="update_id"):
    """A person approved what the client is to be told: messaging sends it, as a message with the
    id of the update. `report` is the same as a PDF, where the client wants it written. Words that
    are spoken (a call, a meeting) are not approved but recorded. In a matter of joint clients told
    once for each, each with an update of their own. `tells_of`: the milestone, development or
    deadline; where that is reverted, what has not left yet does not leave."""

    update_id: UUID
    matter_id: UUID
    client_id: UUID
    about: UpdateAbout
    tells_of: UUID | None = None
    subject_text: Sealed
    body: Sealed
    report: Sealed | None = None
    approved_by: UUID
    approved_at: AwareDatetime


class ProgressUpdateSent(Event, owner="matters", key="client_id", subject="update_id"):
    """The client was told: the message was accepted for delivery, or a person told them in a call
    or meeting and noted it."""

    update_id: UUID
    matter_id: UUID
    client_id: UUID
    about: UpdateAbout
    channel: Literal["email", "phone", "in_person", "video"]
    sent_at: AwareDatetime
    staff_id: UUID
    message_id: UUID | None = None
    note: Sealed | None = None


class PointOfContactAssigned(Event, owner="matters", key="client_id", subject="staff_id"):
    """From `from_at` on, this member of staff is the one point of contact: of the matter, or,
    without a matter, of the client. At every instant there is exactly one of each. `replaces` is
    who hands over: then the client is to hear of it; the first contact replaces nobody."""

    assignment_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    staff_id: UUID
    stand_in_id: UUID | None = None
    from_at: AwareDatetime
    replaces: UUID | None = None


class AbsencePlanned(Event, owner="matters", key="staff_id", subject="absence_id"):
    """A member of staff will be away from `from_at` to `until_at`, and `stand_in_id` acts for them.
    Told again, with a higher revision, when it changes or is `cancelled`. Why is nobody's
    business."""

    absence_id: UUID
    revision: int = 1
    staff_id: UUID
    stand_in_id: UUID
    from_at: AwareDatetime
    until_at: AwareDatetime
    cancelled: bool = False


class TeamMember(Fact):
    """Somebody who works on a matter beside its point of contact."""

    staff_id: UUID
    duty: Duty


class TeamChanged(Event, owner="matters", key="client_id", subject="matter_id"):
    """The team of a matter changed. Carries all of it; the point of contact, who stands in, and
    those above them belong to it without being named."""

    matter_id: UUID
    client_id: UUID
    revision: int
    members: tuple[TeamMember, ...]


class WallRaised(Event, owner="matters", key="client_id", subject="wall_id", ordered=False):
    """From now on a client, or one matter, is closed to some of the firm: `screen` to those named
    in `staff_ids`, `need_to_know` to everybody but them and compliance, who keep the walls. Handled
    even while earlier events of its key are parked: a wall does not wait."""

    wall_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    kind: WallKind
    staff_ids: tuple[UUID, ...]
    reason: Sealed
    raised_at: AwareDatetime


class WallLowered(Event, owner="matters", key="client_id", subject="wall_id", ordered=False):
    """A wall stands no longer. May be heard before its WallRaised: lowered it stays."""

    wall_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    reason: Sealed
    lowered_at: AwareDatetime


class DecisionOption(Fact):
    """One choice, and what it would mean for the client."""

    key: str
    text: Sealed
    consequences: Sealed


class DecisionRequested(Event, owner="matters", key="client_id", subject="decision_id"):
    """The client was asked to decide: told once; messaging puts it to them. `in_writing`: only a
    written answer counts (settlement offers and the like). Joint clients are asked each on their
    own, under one `joint_decision_id`: each answers for themselves (Model Rule 1.8(g))."""

    decision_id: UUID
    joint_decision_id: UUID | None = None
    matter_id: UUID
    client_id: UUID
    kind: DecisionKind
    question: Sealed
    options: tuple[DecisionOption, ...]
    recommendation: Sealed
    in_writing: bool
    reply_by: AwareDatetime
    requested_by: UUID
    requested_at: AwareDatetime


class DecisionRecorded(Event, owner="matters", key="client_id", subject="decision_id"):
    """Somebody with authority decided: told once. `decided_by` is the client, or the contact of
    theirs who may decide; `writing_id` the message in which they wrote it, where it did not come
    through the portal. `late`: after the time to reply, and it counts all the same. `jointly`: what
    joint clients have decided with this answer; `divided` ones have decided nothing together."""

    decision_id: UUID
    joint_decision_id: UUID | None = None
    jointly: Jointly | None = None
    matter_id: UUID
    client_id: UUID
    option: str
    decided_by: UUID
    channel: Literal["portal", "email", "letter", "phone", "in_person", "video"]
    in_writing: bool
    writing_id: UUID | None = None
    comment: Sealed | None = None
    recorded_by: UUID
    recorded_at: AwareDatetime
    late: bool = False


class DecisionWithdrawn(Event, owner="matters", key="client_id", subject="decision_id"):
    """The question is no longer put. Nothing was decided."""

    decision_id: UUID
    matter_id: UUID
    client_id: UUID
    reason: Sealed
    withdrawn_at: AwareDatetime


class DecisionQuestioned(Event, owner="matters", key="client_id", subject="question_id"):
    """The client has a question or a concern about a decision. It is owed an answer and stays open
    until DecisionExplained."""

    question_id: UUID
    decision_id: UUID
    matter_id: UUID
    client_id: UUID
    question: Sealed
    asked_at: AwareDatetime


class DecisionExplained(Event, owner="matters", key="client_id", subject="question_id"):
    """A client's question about a decision was answered by a person."""

    question_id: UUID
    decision_id: UUID
    matter_id: UUID
    client_id: UUID
    answer: Sealed
    answered_by: UUID
    answered_at: AwareDatetime


class StrategyQuestioned(Event, owner="matters", key="client_id", subject="question_id"):
    """The client has a question or a concern about how their matter is conducted, and not about a
    decision that was put to them (DecisionQuestioned). It is owed an answer and stays open until
    StrategyExplained."""

    question_id: UUID
    matter_id: UUID
    client_id: UUID
    question: Sealed
    asked_at: AwareDatetime


class StrategyExplained(Event, owner="matters", key="client_id", subject="question_id"):
    """A client's question about how their matter is conducted was answered by a person: told
    once."""

    question_id: UUID
    matter_id: UUID
    client_id: UUID
    answer: Sealed
    answered_by: UUID
    answered_at: AwareDatetime


class CaseAssessmentShared(Event, owner="matters", key="client_id", subject="assessment_id"):
    """The firm told the client in writing how it sees the case. Each version stands; a changed view
    is the next one. Promises no outcome: words that do are refused before it is told."""

    assessment_id: UUID
    assessment_version: int
    matter_id: UUID
    client_id: UUID
    prospects: Sealed
    risks: Sealed
    limits: Sealed
    timeline: Sealed
    shared_by: UUID
    shared_at: AwareDatetime


class CaseAssessmentAcknowledged(Event, owner="matters", key="client_id", subject="assessment_id"):
    """The client said that they read this version: told once. Does not mean that they agree. Where
    not in the portal, a person noted it (`recorded_by`), and `writing_id` is the message in which
    it was said, if it was written."""

    assessment_id: UUID
    assessment_version: int
    matter_id: UUID
    client_id: UUID
    acknowledged_by: UUID
    acknowledged_at: AwareDatetime
    channel: Literal["portal", "email", "letter", "phone", "in_person", "video"] = "portal"
    writing_id: UUID | None = None
    recorded_by: UUID | None = None


class ConsentGranted(Event, owner="matters", key="client_id", subject="consent_id"):
    """The client allows that something is told to somebody, for a purpose and until a time. Does
    not mean that it was told: that is DisclosureMade."""

    consent_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    purpose: str
    recipient: Sealed
    scope: Sealed
    given_by: UUID
    granted_at: AwareDatetime
    expires_at: AwareDatetime | None = None


class ConsentWithdrawn(
    Event, owner="matters", key="client_id", subject="consent_id", ordered=False
):
    """The client's consent ends now, for whatever was not disclosed yet. Handled even while earlier
    events of its key are parked: a withdrawal does not wait."""

    consent_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    purpose: str
    withdrawn_by: UUID
    withdrawn_at: AwareDatetime


class DisclosureMade(Event, owner="matters", key="client_id", subject="disclosure_id"):
    """Something of a client was told to somebody outside, with the basis that allowed it: a consent
    that stood, a law, or a court's order, whose document is kept."""

    disclosure_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    basis: DisclosureBasis
    purpose: str
    consent_id: UUID | None = None
    recipient: Sealed
    content: Sealed
    grounds: Sealed
    document: ContentRef | None = None
    made_by: UUID
    made_at: AwareDatetime


class PreferencesChanged(Event, owner="matters", key="client_id"):
    """How a client wants to hear from the firm changed. Carries all of it: purpose → channel or
    format, quiet hours by the clocks of the client's zone, a BCP 47 language, and, sealed, what
    they need to be able to read or hear it."""

    client_id: UUID
    revision: int
    preferences: dict[str, str]
    quiet_from: str | None = None
    quiet_until: str | None = None
    language: str = "en"
    accessibility: Sealed | None = None


class ClientsMerged(Event, owner="matters", key="client_id"):
    """Two entries were one client: `client_id` stays, `merged_id` takes nothing new. What was
    recorded of either stands as it was, under its own key; it is read together from now on."""

    client_id: UUID
    merged_id: UUID
    reason: Sealed
    merged_by: UUID
    merged_at: AwareDatetime
