"""Every word of these letters. What is agreed, asked or advised stands behind the link and never in
a mailbox. Pure."""

from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from messaging.email.rendering import Block, Rows
from messaging.email.texts import moment
from shared.contracts.intake import ConsultationChannel, LinkPurpose, Source

HeldUp = Literal["proposed", "accepted", "countersigned", "signed"]


class Letter(NamedTuple):
    subject: str
    blocks: tuple[Block, ...]


class _About(NamedTuple):
    subject: str
    lead: str


_ABOUT: dict[LinkPurpose, _About] = {
    "signature": _About(
        "An agreement for you to read and sign",
        "We have prepared an agreement for you. Behind the link below you can read exactly what is"
        " to be signed, ask us a question, sign it, or decline. You may also sign on paper: print"
        " it and send it to us, or come by.",
    ),
    "copy": _About(
        "Your copy of the signed agreement",
        "Everybody has signed. Behind the link below is your copy of the agreement, with the"
        " evidence of the signatures and our seal. Please keep it.",
    ),
    "information": _About(
        "We need some documents and facts from you",
        "To go on with your matter we need some documents and facts. Behind the link below is the"
        " list; you can send each of them there, encrypted, as you find them.",
    ),
    "reminder": _About(
        "A reminder: some documents and facts are still missing",
        "Some of what we asked you for has not reached us yet. Behind the link below is what is"
        " still open. If something cannot be found, tell us there.",
    ),
    "letter": _About(
        "A letter for you",
        "We have written you a letter. Please read it soon: deadlines may depend on it.",
    ),
}


def link(
    purpose: LinkPurpose, *, name: str, firm: str, url: str, expires_at: datetime, zone: ZoneInfo
) -> Letter:
    about = _ABOUT[purpose]
    return Letter(
        about.subject,
        (
            f"Dear {name},",
            about.lead,
            Rows((("Your link", url), ("It works until", moment(expires_at, zone)))),
            "Open the link and ask for a code there. It comes to this address; enter it, and you"
            " are in. The link is meant for you alone and opens nothing without the code.",
            f"With kind regards,\n{firm}",
        ),
    )


def code(*, name: str, firm: str, digits: str, expires_at: datetime, zone: ZoneInfo) -> Letter:
    return Letter(
        "Your code",
        (
            f"Dear {name},",
            Rows((("Your code", digits), ("It works until", moment(expires_at, zone)))),
            "Enter it on the page that you opened. We never ask for it by phone or by mail. If you"
            " did not ask for a code, somebody else may have your link: please tell us.",
            firm,
        ),
    )


_HOW: dict[ConsultationChannel, str] = {
    "phone": "By phone",
    "video": "By video",
    "in_person": "In person",
}


def invitation(
    *,
    name: str,
    firm: str,
    with_whom: str,
    starts_at: datetime,
    channel: ConsultationChannel,
    place: str,
    moved: bool,
    cancelled: bool,
    zone: ZoneInfo,
) -> Letter:
    facts = Rows((("When", moment(starts_at, zone)), ("With", with_whom), (_HOW[channel], place)))
    closing = f"With kind regards,\n{firm}"
    if cancelled:
        words = "Your consultation at this time will not take place."
        return Letter("Your consultation is cancelled", (f"Dear {name},", words, facts, closing))
    lead = (
        "Your consultation has a new time."
        if moved
        else "We look forward to talking with you. Your consultation is set for this time."
    )
    hint = (
        "If the time does not suit you, just reply to this email. A consultation by itself does not"
        " make us your lawyers; that takes a written agreement."
    )
    subject = "Your consultation has moved" if moved else "Your consultation"
    return Letter(subject, (f"Dear {name},", lead, facts, hint, closing))


def not_brought(client: str, due_at: datetime, zone: ZoneInfo) -> tuple[Block, ...]:
    """To staff: it is not there, whatever the client was reminded of."""
    return (
        f"{client} has not brought all that they were asked for, and the time is over. They were "
        "reminded by mail; please speak to them, or waive what is not needed.",
        Rows((("Was asked for by", moment(due_at, zone)),)),
    )


_CAME_BY: dict[Source, str] = {
    "form": "the form on our site",
    "phone": "a call",
    "mail": "an email",
    "referral": "a referral",
}


def requested(
    *,
    practice_area: str,
    source: Source,
    consultation_id: UUID,
    requested_at: datetime,
    zone: ZoneInfo,
) -> Letter:
    """For the firm's own people. Nothing of who asks: nobody has cleared them yet."""
    return Letter(
        f"Somebody asks for a consultation ({practice_area})",
        (
            "Somebody asks for a consultation and waits to hear from us. Please look at the"
            " conflict check first, then set a time or decline.",
            Rows(
                (
                    ("Asked on", moment(requested_at, zone)),
                    ("Came by", _CAME_BY[source]),
                    ("To read", f"GET /v1/consultations/{consultation_id}"),
                )
            ),
        ),
    )


_HELD_UP: dict[HeldUp, str] = {
    "proposed": "The agreement lies with the client to sign.",
    "accepted": "The client has signed; the firm must not counter-sign.",
    "countersigned": "Everybody has signed; the agreement does not come into force.",
    "signed": "The agreement is in force.",
}


def held_up(*, client: str, state: HeldUp, consultation_id: UUID, revision: int) -> Letter:
    """For the firm's own people."""
    return Letter(
        f"A possible conflict: {client}",
        (
            f"A conflict check found somebody who may stand against {client}. {_HELD_UP[state]}",
            "A partner must find, with reasons, that there is no conflict, have it waived, or end"
            " the engagement. Please do not advise the client before.",
            Rows(
                (
                    ("To read", f"GET /v1/consultations/{consultation_id}/conflict-check"),
                    ("Run of the check", str(revision)),
                )
            ),
        ),
    )
