"""A clock's thresholds as mails: a warning, the target passed (then the client is told too), a
breach, a step of the ladder. Each is one mail a person, however often its event is heard."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.acknowledgments.actions import promise_of
from messaging.conversations import queries as conversations
from messaging.conversations.queries import Message
from messaging.directory.models import Staff
from messaging.email import composing, staff_texts, texts
from messaging.email.composing import Heading
from messaging.email.rendering import Mailbox, UnusableAddress, plain_text
from messaging.email.staff_texts import Owed, Waiting
from messaging.email.texts import Promise
from messaging.notices import actions
from messaging.notices.actions import About
from messaging.notices.cases import Case, case_of, head, house_of, person
from messaging.outbound import queries as outbound
from messaging.outbound.actions import queue
from messaging.outbound.postponed import NotYetKnown
from messaging.settings import MessagingSettings
from shared import clock
from shared.contracts.messaging import MessageSent
from shared.contracts.sla_monitor import (
    ClockFact,
    DeadlineBreached,
    DeadlineWarned,
    EscalationRaised,
    TriageDue,
)
from shared.ids import new_id
from shared.keyring import seal

log = structlog.get_logger()
