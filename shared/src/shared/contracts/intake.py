"""Events of intake: how a person becomes a client, from the first word to the signed engagement."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts.event import ContentRef, Event, Fact, Sealed

Source = Literal["form", "phone", "mail", "referral"]
ConsultationChannel = Literal["phone", "video", "in_person"]
FeeBasis = Literal["hourly", "flat", "contingent", "retainer", "mixed", "none"]
LinkPurpose = Literal["signature", "copy", "information", "reminder", "letter"]


class AgreedFeeTerms(Fact):
    """The fee terms that an engagement carries. `commitment` binds their text; `by_hand`: they
    were entered with the engagement and never disclosed by billing."""

    terms_id: UUID
    version: int
    basis: FeeBasis
    commitment: str
    by_hand: bool = False


class AgreedCommunication(Fact):
    """What was agreed about communication, as later behaviour is checked against it: ISO 8601
    durations, null where the firm's policy rules."""

    acknowledge_within: str | None = None
    respond_within: str | None = None
    update_every: str | None = None
    channel: Literal["email", "portal", "phone", "letter"] = "email"


class EngagementParty(Fact):
    """Somebody whom an engagement concerns; `also` are former and other names."""

    party_id: UUID
    role: Literal["client", "related", "adverse"]
    kind: Literal["person", "company"]
    name: Sealed
    also: tuple[Sealed, ...] = ()


class JointlyEngaged(Fact):
    """Somebody who signed as a joint client: under the id and the key that intake made for them
    (Model Rule 1.7, comments 29 to 33). `signer_id` is who of the signers they are."""

    client_id: UUID
    signer_id: UUID
    name: Sealed
    email: Sealed
    phone: Sealed | None = None
    kind: Literal["person", "company"] = "person"


class EngagementSigner(Fact):
    """Who must sign. `capacity` says for whom, when not for themselves."""

    signer_id: UUID
    name: Sealed
    email: Sealed
    capacity: Sealed | None = None


class EngagementSignature(Fact):
    """Who signed, when, and how; `evidence` are address, browser and the words accepted."""

    signer_id: UUID
    signed_at: AwareDatetime
    method: Literal["electronic", "paper"] = "electronic"
    evidence: Sealed


class InformedConsent(Fact):
    """An affected client's consent in writing to a conflict; the document is kept by intake."""

    client_id: UUID
    given_at: AwareDatetime
    document: ContentRef


class ConsultationRequested(Event, owner="intake", key="client_id", subject="consultation_id"):
    """Somebody asked for a consultation: told once. Makes the `client_id`; matters registers it
    as `prospective`, unless it is a client already (`known_client`). Creates no attorney-client
    relationship. Without `point_of_contact_id` the managing partner is."""

    consultation_id: UUID
    client_id: UUID
    known_client: bool = False
    source: Source
    name: Sealed
    email: Sealed
    phone: Sealed | None = None
    time_zone: str
    practice_area: str
    point_of_contact_id: UUID | None = None
    requested_at: AwareDatetime


class ConflictCheckCompleted(Event, owner="intake", key="client_id", subject="check_id"):
    """The names of a consultation were compared with everybody the firm knows: told for each
    run, also when parties were added later (`revision`). `possible` stops intake until
    ConflictCleared or ConflictWaived; it does not mean that there is a conflict."""

    check_id: UUID
    revision: int = 1
    client_id: UUID
    consultation_id: UUID
    outcome: Literal["clear", "possible"]
    names: int
    hits: int
    completed_at: AwareDatetime


class ConflictCleared(Event, owner="intake", key="client_id", subject="check_id"):
    """A partner found, with reasons, that what a check hit is no conflict: told once for each
    run."""

    check_id: UUID
    revision: int
    client_id: UUID
    consultation_id: UUID
    decided_by: UUID
    reasons: Sealed
    cleared_at: AwareDatetime


class ConflictWaived(Event, owner="intake", key="client_id", subject="check_id"):
    """A real conflict was waived by a partner, where the firm's profile allows it, with the
    informed consent in writing of each affected client. `screened` are kept away by a wall."""

    check_id: UUID
    revision: int
    client_id: UUID
    consultation_id: UUID
    decided_by: UUID
    reasons: Sealed
    consents: tuple[InformedConsent, ...]
    screened: tuple[UUID, ...] = ()
    waived_at: AwareDatetime


class ConsultationScheduled(Event, owner="intake", key="client_id", subject="consultation_id"):
    """A consultation has a time: told again with a higher `sequence` when it is moved, and with
    `cancelled` when it is called off. `sequence` is iCalendar's."""

    consultation_id: UUID
    client_id: UUID
    sequence: int = 0
    cancelled: bool = False
    staff_id: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    channel: ConsultationChannel
    place: Sealed
    name: Sealed
    email: Sealed


class ConsultationHeld(Event, owner="intake", key="client_id", subject="consultation_id"):
    """A consultation took place and is noted: needs, objectives, strategies discussed, limitation
    dates, next steps. Told once."""

    consultation_id: UUID
    client_id: UUID
    staff_id: UUID
    channel: ConsultationChannel
    held_at: AwareDatetime
    note: Sealed


class ConsultationDeclined(Event, owner="intake", key="client_id", subject="consultation_id"):
    """The firm will not act, or the person will not go on: told once. A non-engagement letter goes
    out (LinkIssued). Nothing about a conflict is in it."""

    consultation_id: UUID
    client_id: UUID
    by: Literal["firm", "client"]
    reasons: Sealed
    declined_by: UUID | None = None
    declined_at: AwareDatetime


class InformationRequested(Event, owner="intake", key="client_id", subject="request_id"):
    """The firm asked a client for documents and facts, by a version of a checklist. `items` are
    ids; what each asks is sealed."""

    request_id: UUID
    client_id: UUID
    consultation_id: UUID | None = None
    matter_id: UUID | None = None
    checklist: str
    checklist_version: int
    items: tuple[UUID, ...]
    asked: Sealed
    requested_by: UUID
    requested_at: AwareDatetime
    due_at: AwareDatetime


class InformationProvided(Event, owner="intake", key="client_id", subject="request_id"):
    """Something asked for arrived: a file, or words. `complete` when nothing of the request is
    open any more."""

    request_id: UUID
    item_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    file: ContentRef | None = None
    file_name: Sealed | None = None
    media_type: str | None = None
    text: Sealed | None = None
    provided_at: AwareDatetime
    complete: bool


class InformationWaived(Event, owner="intake", key="client_id", subject="request_id"):
    """A member of staff decided, with reasons, that an item is not needed any more."""

    request_id: UUID
    item_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    reasons: Sealed
    waived_by: UUID
    waived_at: AwareDatetime
    complete: bool


class EngagementProposed(Event, owner="intake", key="client_id", subject="engagement_id"):
    """A partner approved a version of an agreement, and it went to everybody who must sign: told
    once for each version. `document` is the PDF that they read; nothing else can be signed."""

    engagement_id: UUID
    agreement_version: int
    client_id: UUID
    consultation_id: UUID
    amends: UUID | None = None
    title: Sealed
    practice_area: str
    fee_terms: AgreedFeeTerms
    signers: tuple[EngagementSigner, ...]
    document: ContentRef
    template: str
    template_version: int
    approved_by: UUID
    proposed_at: AwareDatetime
    expires_at: AwareDatetime


class EngagementSigned(Event, owner="intake", key="client_id", subject="engagement_id"):
    """Everybody signed, the firm counter-signed, and no conflict stands: told once. The matter
    opens under `matter_id`, and the fee terms are accepted with the same signatures. `document`
    is the sealed PDF with its evidence page; `terms` are the agreed terms as JSON. `joint_clients`
    are clients of their own from now on, in this matter, beside `client_id`."""

    engagement_id: UUID
    agreement_version: int
    client_id: UUID
    consultation_id: UUID
    matter_id: UUID
    title: Sealed
    practice_area: str
    parties: tuple[EngagementParty, ...]
    joint_clients: tuple[JointlyEngaged, ...] = ()
    point_of_contact_id: UUID
    team: tuple[UUID, ...] = ()
    calendar_id: UUID | None = None
    fee_terms: AgreedFeeTerms
    communication: AgreedCommunication
    terms: Sealed
    document: ContentRef
    signatures: tuple[EngagementSignature, ...]
    countersigned_by: UUID
    signed_at: AwareDatetime


class EngagementHeldUp(Event, owner="intake", key="client_id", subject="engagement_id"):
    """A run of the conflict check found a possible conflict after an agreement was offered: told
    for each such run. Nothing goes on, and nothing comes into force, until a partner decides;
    `staff_ids` must hear of it at once. It does not mean that there is a conflict."""

    engagement_id: UUID
    agreement_version: int
    client_id: UUID
    consultation_id: UUID
    state: Literal["proposed", "accepted", "countersigned", "signed"]
    check_id: UUID
    revision: int
    staff_ids: tuple[UUID, ...]
    held_up_at: AwareDatetime


class EngagementWithdrawn(Event, owner="intake", key="client_id", subject="engagement_id"):
    """The firm took back a version that was offered, to change it: told once for each version.
    Links to it open nothing, and whoever signed it has signed nothing."""

    engagement_id: UUID
    agreement_version: int
    client_id: UUID
    withdrawn_by: UUID
    withdrawn_at: AwareDatetime


class EngagementDeclined(Event, owner="intake", key="client_id", subject="engagement_id"):
    """A signer declined this version; whatever others signed of it is void. Told once."""

    engagement_id: UUID
    agreement_version: int
    client_id: UUID
    signer_id: UUID
    reasons: Sealed | None = None
    declined_at: AwareDatetime


class EngagementExpired(Event, owner="intake", key="client_id", subject="engagement_id"):
    """The time to sign passed. Told once, before anybody is told that a signature came too late."""

    engagement_id: UUID
    agreement_version: int
    client_id: UUID
    expired_at: AwareDatetime


class EngagementAmended(Event, owner="intake", key="client_id", subject="engagement_id"):
    """An agreement in force was replaced by another that everybody signed, as EngagementSigned,
    for the matter that is open already. `amends` is the engagement as it was."""

    engagement_id: UUID
    amends: UUID
    agreement_version: int
    client_id: UUID
    matter_id: UUID
    title: Sealed
    fee_terms: AgreedFeeTerms
    communication: AgreedCommunication
    terms: Sealed
    document: ContentRef
    signatures: tuple[EngagementSignature, ...]
    countersigned_by: UUID
    signed_at: AwareDatetime


class EngagementEnded(Event, owner="intake", key="client_id", subject="engagement_id"):
    """The firm or the client ended an engagement in force: told once. A disengagement letter goes
    out (LinkIssued); it closes no matter by itself."""

    engagement_id: UUID
    client_id: UUID
    matter_id: UUID
    by: Literal["firm", "client"]
    reasons: Sealed
    ended_by: UUID
    ended_at: AwareDatetime


class SignatureGiven(Event, owner="intake", key="client_id", subject="engagement_id"):
    """One of those who must sign did: once for each. The engagement is not signed before
    EngagementSigned."""

    engagement_id: UUID
    agreement_version: int
    client_id: UUID
    signature: EngagementSignature
    document: ContentRef


class EngagementQuestionAsked(Event, owner="intake", key="client_id", subject="engagement_id"):
    """A signer asked before signing. The agreement stays open."""

    question_id: UUID
    engagement_id: UUID
    agreement_version: int
    client_id: UUID
    signer_id: UUID
    question: Sealed
    asked_at: AwareDatetime


class LinkIssued(Event, owner="intake", key="client_id", subject="link_id"):
    """Somebody must get a letter with an expiring link to a page of intake. The link opens nothing
    without a code that is asked for there (CodeIssued). Told once for each link."""

    link_id: UUID
    client_id: UUID
    purpose: LinkPurpose
    subject_id: UUID
    name: Sealed
    email: Sealed
    url: Sealed
    title: Sealed
    issued_at: AwareDatetime
    expires_at: AwareDatetime


class CodeIssued(Event, owner="intake", key="client_id", subject="link_id", ordered=False):
    """Who opened a link asked for its code: it goes to the address that the link went to, at
    once. Handled even while earlier events of its key are parked."""

    link_id: UUID
    code_id: UUID
    client_id: UUID
    name: Sealed
    email: Sealed
    code: Sealed
    issued_at: AwareDatetime
    expires_at: AwareDatetime
