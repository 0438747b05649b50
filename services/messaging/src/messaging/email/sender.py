"""Hands a mail to the next server (RFC 5321) and says truthfully what became of it: accepted,
refused for good, not yet, or unknown. Every step has a deadline; nothing here is retried."""

import asyncio
import ssl
from dataclasses import dataclass
from enum import StrEnum

import aiosmtplib

from messaging.email.rendering import Mail

# 5yz replies to these say that we are not let in, not that this mail is unwanted (RFC 4954 6).
_ABOUT_US = {530, 534, 535, 538}


class Outcome(StrEnum):
    """`UNKNOWN`: the line broke after DATA began, so the server may have the mail or not."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_YET = "not_yet"
    UNKNOWN = "unknown"


class Encryption(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


@dataclass(frozen=True, kw_only=True)
class Server:
    """The server that takes what the firm sends; deadlines in seconds."""

    host: str
    port: int
    hello: str = "localhost"
    user: str | None = None
    password: str | None = None
    encryption: Encryption = Encryption.NONE
    tls: ssl.SSLContext | None = None
    connect_within: float = 10
    step_within: float = 30
    data_within: float = 120


@dataclass(frozen=True, kw_only=True)
class Handover:
    """What became of one attempt; `reply` is the server's own line or the error."""

    outcome: Outcome
    code: int | None = None
    reply: str = ""


class Line:
    """One connection, made when first needed and used again while the server keeps it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._smtp: aiosmtplib.SMTP | None = None

    async def hand_over(self, mail: Mail) -> Handover:
        """One attempt. A kept connection that has died in between is replaced once, before DATA."""
        was_open = self._smtp is not None and self._smtp.is_connected
        result = await self._attempt(mail)
        if was_open and result.outcome is Outcome.NOT_YET and result.code in {None, 421}:
            result = await self._attempt(mail)
        return result

    async def close(self) -> None:
        """Says QUIT if the server still listens, within a second."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            await smtp.quit(timeout=1)
        except (aiosmtplib.SMTPException, OSError):
            smtp.close()

    async def _attempt(self, mail: Mail) -> Handover:
        in_data = False
        try:
            smtp = await self._connected()
            await self._envelope(smtp, mail)
            in_data = True
            reply = await smtp.data(mail.data, timeout=self._server.data_within)
        except aiosmtplib.SMTPResponseException as error:
            self._drop()
            return _replied(error.code, error.message)
        except aiosmtplib.SMTPNotSupported as error:
            self._drop()
            return Handover(outcome=Outcome.REFUSED, reply=str(error))
        except (aiosmtplib.SMTPException, OSError) as error:
            # If the line breaks after the final dot the server may have taken the mail: it is sent
            # again under the same Message-ID, never given up and never reworded.
            self._drop()
            outcome = Outcome.UNKNOWN if in_data else Outcome.NOT_YET
            return Handover(outcome=outcome, reply=f"{type(error).__name__}: {error}")
        except asyncio.CancelledError:
            self._drop()
            raise
        return Handover(outcome=Outcome.ACCEPTED, code=reply.code, reply=reply.message)

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._smtp is not None and self._smtp.is_connected:
            return self._smtp
        server = self._server
        self._smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=server.hello,
            username=server.user,
            password=server.password,
            use_tls=server.encryption is Encryption.IMPLICIT,
            start_tls=server.encryption is Encryption.STARTTLS,
            tls_context=server.tls,
            timeout=server.step_within,
        )
        try:
            async with asyncio.timeout(server.connect_within):
                await self._smtp.connect(timeout=server.connect_within)
                if self._smtp.is_ehlo_or_helo_needed:
                    await self._smtp.ehlo()
        except aiosmtplib.SMTPResponseException as error:
            # Whatever a server says before MAIL is about us and it, not about this mail.
            raise aiosmtplib.SMTPConnectError(f"{error.code} {error.message}") from error
        return self._smtp

    async def _envelope(self, smtp: aiosmtplib.SMTP, mail: Mail) -> None:
        international = not (mail.recipient.isascii() and mail.envelope_from.isascii())
        if international and not smtp.supports_extension("smtputf8"):
            raise aiosmtplib.SMTPNotSupported("the server takes no internationalised address")
        options = ["SMTPUTF8", "BODY=8BITMIME"] if international else []
        encoding = "utf-8" if international else "ascii"
        await smtp.mail(mail.envelope_from, options=options, encoding=encoding)
        await smtp.rcpt(mail.recipient, encoding=encoding)

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None


def _replied(code: int, message: str) -> Handover:
    final = 500 <= code <= 599 and code not in _ABOUT_US
    outcome = Outcome.REFUSED if final else Outcome.NOT_YET
    return Handover(outcome=outcome, code=code, reply=message)
