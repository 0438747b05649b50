"""Events of messaging: what was said between clients and the firm, on every channel."""

from typing import Literal
from uuid import NAMESPACE_OID, UUID, uuid5

from pydantic import AwareDatetime

from shared.contracts.event import ContentRef, Event, Fact, Sealed

Channel = Literal["email", "portal", "sms", "phone", "in_person", "video", "letter"]
AnswerKind = Literal["answer", "question", "acknowledgment", "update", "notice"]
EnteredKind = Literal["note", "call", "letter"]


class Attachment(Fact):
    """A file that came with a message. Its bytes are part of the kept original."""

    attachment_id: UUID
    file_name: Sealed
    media_type: str
    size: int
    commitment: str


class Waited(Fact):
    """Why a mail did not leave when it was written: the quiet hours of its reader, whose end was
    `until`."""

    since: AwareDatetime
    until: AwareDatetime


def conversation_of_bills(client_id: UUID, matter_id: UUID | None) -> UUID:
    """The conversation of a matter's bills: what is written to the client about fees begins or
    joins it, so that a message of theirs in it answers such a letter."""
    return uuid5(NAMESPACE_OID, f"bills/{matter_id or client_id}")


class ClientMessageReceived(Event, owner="messaging", key="client_id", subject="message_id"):
    """A message of a known client is kept, on any channel: told once per message. `received_at`
    is the server's first receipt, also when it was filed later. Bodies over 64 KiB travel by
    reference (`original`) only. `automatic`: a machine sent it (out of office), it opens no
    clock."""

    message_id: UUID
    conversation_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    channel: Channel
    received_at: AwareDatetime
    urgent: bool = False
    automatic: bool = False
    subject_text: Sealed | None = None
    body: Sealed | None = None
    sender: Sealed | None = None
    original: ContentRef | None = None
    attachments: tuple[Attachment, ...] = ()
    message_id_header: Sealed | None = None
    sender_differs: bool = False
    duplicate_id_of: UUID | None = None


class MessageQuarantined(Event, owner="messaging", key="conversation_id", subject="message_id"):
    """A mail whose sender is not known, or is not who it says, waits for a person. Nothing is
    said to the sender. Sealed under the conversation's own key."""

    message_id: UUID
    conversation_id: UUID
    received_at: AwareDatetime
    reason: Literal[
        "unknown-sender", "ambiguous-sender", "staff-not-authenticated", "reply-not-authenticated"
    ]
    subject_text: Sealed | None = None
    body: Sealed | None = None
    sender: Sealed | None = None
    original: ContentRef | None = None
    attachments: tuple[Attachment, ...] = ()


class MessageFiled(Event, owner="messaging", key="client_id", subject="message_id"):
    """A message left quarantine and went to a client or matter. Told after ClientMessageReceived of
    the same message, which carries the first receipt. `filed_by` is the person; it is the firm's
    own id when the rule did it: the sender was registered before the message arrived, and was
    heard of after."""

    message_id: UUID
    conversation_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    filed_by: UUID
    filed_at: AwareDatetime
    reason: Sealed
    from_quarantine: bool = True


class MessageRefiled(Event, owner="messaging", key="client_id", subject="message_id"):
    """A message that was with a client already got another matter of the same client. Clocks go on.
    `filed_by` is null when the rule did it: the matter was opened before the message arrived, and
    was heard of after."""

    message_id: UUID
    conversation_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    previous_matter_id: UUID | None = None
    filed_by: UUID | None = None
    filed_at: AwareDatetime
    reason: Sealed


class ManualAcknowledgmentRequested(
    Event, owner="messaging", key="client_id", subject="message_id"
):
    """An automatic acknowledgment was not allowed, or failed for good; a person has the task.
    `rule` names what forbade it."""

    message_id: UUID
    conversation_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    clock_id: UUID
    rule: str
    requested_at: AwareDatetime


class MessageAcknowledged(Event, owner="messaging", key="client_id", subject="conversation_id"):
    """An acknowledgment, automatic or human, was accepted for delivery. `covers` are the
    client's messages that it acknowledges. It never meets a response clock."""

    acknowledgment_id: UUID
    conversation_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    covers: tuple[UUID, ...]
    automatic: bool
    channel: Channel
    acknowledged_at: AwareDatetime
    staff_id: UUID | None = None
    body: Sealed | None = None
    original: ContentRef | None = None


class MessageSent(Event, owner="messaging", key="client_id", subject="message_id"):
    """A message to a client was accepted for delivery (portal: the mail was that says it is there).
    An `answer` meets the response clock, a `question` pauses it, the other kinds do neither. What
    answers a client never `waited`."""

    message_id: UUID
    conversation_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    kind: AnswerKind
    channel: Channel
    sent_at: AwareDatetime
    staff_id: UUID | None = None
    automatic: bool = False
    answers: tuple[UUID, ...] = ()
    subject_text: Sealed | None = None
    body: Sealed | None = None
    original: ContentRef | None = None
    waited: Waited | None = None


class MessageBounced(Event, owner="messaging", key="client_id", subject="message_id"):
    """A message or acknowledgment that had been accepted came back. What it had met opens again.
    `message_id` is the one of MessageSent, or the acknowledgment_id of MessageAcknowledged."""

    message_id: UUID
    conversation_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    bounced_at: AwareDatetime
    status: str


class MessageFailed(Event, owner="messaging", key="client_id", subject="message_id"):
    """A message or acknowledgment to a client was refused for good by the receiving server; it
    never met anything."""

    message_id: UUID
    conversation_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    failed_at: AwareDatetime
    status: str


class CallLogged(Event, owner="messaging", key="client_id", subject="message_id"):
    """A phone call, video call or meeting in person with a client was entered. A two-way one
    meets the response clock from `held_at`; `entered_late` when that instant was already past
    its due."""

    message_id: UUID
    conversation_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    channel: Literal["phone", "in_person", "video"]
    direction: Literal["inbound", "outbound"]
    two_way: bool
    held_at: AwareDatetime
    entered_at: AwareDatetime
    staff_id: UUID
    note: Sealed


class NoteWritten(Event, owner="messaging", key="client_id", subject="message_id"):
    """An internal note on a conversation. Never an answer, never shown to the client."""

    message_id: UUID
    conversation_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    staff_id: UUID
    written_at: AwareDatetime
    body: Sealed


class MessageCorrected(Event, owner="messaging", key="client_id", subject="message_id"):
    """Something that a person had entered by hand (a note, a call, a letter) was wrong: told once
    for each correction. `message_id` is the newer entry, `corrects` the one that it puts right;
    both stay. Changes no clock, and is never shown to the client where a note was not."""

    message_id: UUID
    corrects: UUID
    conversation_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    kind: EnteredKind
    staff_id: UUID
    corrected_at: AwareDatetime
    body: Sealed
    reason: Sealed


class StaffNotified(
    Event, owner="messaging", key=("client_id", "conversation_id"), subject="staff_id"
):
    """A member of staff was told by mail, and their mail server accepted it. For a client's
    message it carried the signed reply addresses."""

    notice_id: UUID
    staff_id: UUID
    client_id: UUID | None = None
    conversation_id: UUID | None = None
    matter_id: UUID | None = None
    message_id: UUID | None = None
    clock_id: UUID | None = None
    about: Literal[
        "message", "triage", "manual-acknowledgment", "warning", "breach", "escalation", "failure",
        "preference", "deadline", "retainer", "consultation", "question",
    ]  # fmt: skip
    notified_at: AwareDatetime
