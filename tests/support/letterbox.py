"""Messaging whole, with its door for mail open on a port of its own; mail goes in over SMTP."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from uuid import UUID

from sqlalchemy import text

from messaging.app import create_app
from messaging.directory.models import Client
from messaging.email.reply_addresses import ReplyKind, reply_address
from messaging.settings import MessagingSettings
from privity import servers, tokens
from privity.keys import signing_key
from shared.ids import new_id
from shared.runtime import Runtime
from support.correspondence import People, known_client, known_firm
from support.platform import Platform
from support.running import Running, bearer, running

OFFICE = "office@firm.test"
CLARA = "clara@clients.test"


@dataclass(frozen=True)
class Door:
    """A running messaging service, the people it knows, and where it takes mail."""

    platform: Platform
    service: Running
    people: People
    port: int

    @property
    def runtime(self) -> Runtime:
        return self.service.runtime

    async def send(
        self,
        data: bytes,
        *,
        sender: str = CLARA,
        to: str | Sequence[str] = OFFICE,
        signed_in_as: str | None = None,
    ) -> str:
        """Hand a mail over as a server would; the reply to it, or to what was refused before."""
        return await asyncio.to_thread(self._send, data, sender, to, signed_in_as)

    def _send(
        self, data: bytes, sender: str, to: str | Sequence[str], signed_in_as: str | None
    ) -> str:
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as smtp:
            smtp.ehlo("client.test")
            if signed_in_as:
                key = signing_key(self.platform.keys / "issuer")
                password = tokens.mint_smtp(key, self.platform.issuer, signed_in_as)
                smtp.login(signed_in_as, password)
            smtp.mail(sender)
            for address in [to] if isinstance(to, str) else to:
                code, text = smtp.rcpt(address)
                if code != 250:
                    return f"{code} {text.decode()}"
            code, text = smtp.data(data)
            return f"{code} {text.decode()}"

    def ways(self, message_id: UUID, staff_id: UUID, kind: ReplyKind = ReplyKind.ANSWER) -> str:
        key = (self.platform.keys / "reply").read_bytes()
        return reply_address(key, "firm.test", kind=kind, message_id=message_id, staff_id=staff_id)

    def bounces(self, outbound_id: UUID) -> str:
        key = (self.platform.keys / "reply").read_bytes()
        return reply_address(key, "firm.test", kind=ReplyKind.BOUNCE, message_id=outbound_id)

    async def get(self, path: str, role: str = "partner", **claims: Any) -> Any:
        return await self.service.http.get(path, headers=self.bearer(role, **claims))

    async def post(self, path: str, body: Any, role: str = "partner", **claims: Any) -> Any:
        headers = self.bearer(role, **claims)
        return await self.service.http.post(path, json=body, headers=headers)

    def bearer(self, role: str, **claims: Any) -> dict[str, str]:
        own = {"partner": "robert@firm.test", "attorney": "ana@firm.test"}
        if role in own:
            claims.setdefault("email", own[role])
        if role == "client":
            claims.setdefault("client_id", str(self.people.clara))
        return bearer(self.platform, role, **claims)

    async def messages(self, query: str = "", role: str = "partner", **claims: Any) -> Any:
        return (await self.get(f"/v1/messages{query}", role, **claims)).json()["items"]


@asynccontextmanager
async def open_door(platform: Platform, **overrides: Any) -> AsyncIterator[Door]:
    port, people = servers.free_port(), People()
    given: dict[str, Any] = {
        "smtp_url": f"smtp://127.0.0.1:{servers.free_port()}",  # nobody is there: nothing leaves
        "messaging_reply_key_file": platform.keys / "reply",
        "messaging_smtp_in_port": port,
        "messaging_mail_domain": "firm.test",
        "mail_trusted_peers": "127.0.0.0/8",
    }
    settings = await platform.settings(MessagingSettings, **(given | overrides))
    async with running(create_app, settings) as service:
        await known_firm(service.runtime, people)
        await known_client(service.runtime, people)
        yield Door(platform, service, people, port)


async def another_client(runtime: Runtime, email: str) -> UUID:
    client_id = new_id()
    await runtime.keys.hold(client_id, create=True)
    async with runtime.db.transaction() as session:
        session.add(Client(client_id=client_id, name="Other Client", email=email, time_zone="UTC"))
    return client_id


def letter(
    text: str = "When is my hearing?",
    *,
    sender: str = f"Clara Client <{CLARA}>",
    number: int | None = 1,
    files: Sequence[tuple[str, bytes]] = (),
    **headers: str,
) -> bytes:
    """A mail's octets; `in_reply_to="<x>"` becomes the header In-Reply-To."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = sender, OFFICE
    message["Subject"] = headers.pop("subject", "My hearing")
    message["Date"] = "Tue, 14 Jul 2026 10:00:00 -0400"
    if number is not None:
        message["Message-ID"] = f"<{number}@clients.test>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    for name, octets in files:
        message.add_attachment(octets, maintype="application", subtype="pdf", filename=name)
    return message.as_bytes()


async def forget(door: Door) -> None:
    """Everything that was said, and who was added beside Clara: the next test begins anew."""
    async with door.runtime.db.transaction() as session:
        for table in SAID:
            await session.execute(text(f"DELETE FROM {table}"))
        others = {"clara": door.people.clara, "matter": door.people.matter}
        for statement in (
            "DELETE FROM clients WHERE client_id <> :clara",
            "DELETE FROM matters WHERE matter_id <> :matter",
            "DELETE FROM points_of_contact WHERE client_id <> :clara",
        ):
            await session.execute(text(statement), others)


SAID = (
    "filings_due",
    "attachments",
    "originals",
    "arrivals",
    "messages",
    "conversations",
    "outbound_messages",
    "response_promises",
    "accesses",
    "outbox",
)
