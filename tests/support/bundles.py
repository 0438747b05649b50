"""Bundles of a firm's record: asked for, made and fetched, with a messaging that has originals."""

import asyncio
import os
import subprocess
import sys
import zipfile
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import uvicorn
from fastapi import FastAPI, Request, Response

from privity import servers
from shared import sealing
from shared.contracts.event import ContentRef
from shared.contracts.messaging import Attachment, MessageAcknowledged, MessageSent
from shared.ids import new_id
from support.firm_record import FRIDAY, Firm
from support.running import bearer
from support.waiting import eventually

MAIL = b"From: ann@clients.test\r\nSubject: Re: the estate\r\n\r\nIs it done?\r\n"
DEED = b"%PDF-1.7 a deed"


@dataclass
class Messaging:
    """What messaging answers about originals: a server of the test's own on a real socket."""

    files: dict[str, bytes] = field(default_factory=dict)
    salts: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    status: int = 200
    url: str = ""

    def left(self, message_id: UUID) -> ContentRef:
        """What the event tells of a mail that left."""
        path = f"{message_id}/original"
        raw = self.files[path]
        commitment = sealing.commitment(self.salts[path], raw)
        return ContentRef(content_id=message_id, size=len(raw), commitment=commitment)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/v1/messages/{path:path}")
        async def get(path: str, request: Request) -> Response:
            self.asked.append((path, request.headers["authorization"]))
            if self.status != 200:
                return Response(status_code=self.status)
            found, salt = self.files.get(path), self.salts.get(path)
            headers = {"Commitment-Salt": b64encode(salt).decode()} if salt else None
            return Response(found or b"", 200 if found is not None else 404, headers)

        return app


@asynccontextmanager
async def messaging_at() -> AsyncIterator[Messaging]:
    made, port = Messaging(), servers.free_port()
    server = uvicorn.Server(uvicorn.Config(made.app(), "127.0.0.1", port, log_level="warning"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    made.url = f"http://127.0.0.1:{port}"
    yield made
    server.should_exit = True
    await task


async def mailed(firm: Firm, messaging: Messaging, subject: str = "Re: the estate") -> UUID:
    """A client's mail with a file, told as messaging tells it."""
    message_id, attachment_id = new_id(), new_id()
    await firm.service.runtime.keys.hold(firm.client_id, create=True)
    key = firm.service.runtime.keys.key(firm.client_id)
    salt = key.derive(b"salt/attachment/" + attachment_id.bytes)
    name = sealing.seal(key, attachment_id, "attachment", "file_name", b"../the deed.pdf")
    event = await firm.received(
        message_id,
        subject,
        matter_id=firm.matter_id,
        body=await firm.seal(firm.client_id, "message", "body", "Is it done? <b>Ann</b>"),
        sender=await firm.seal(firm.client_id, "message", "sender", "Ann Vale <ann@clients.test>"),
        original=ContentRef(content_id=message_id, size=len(MAIL), commitment="x"),
        attachments=(
            Attachment(
                attachment_id=attachment_id,
                file_name=name,
                media_type="application/pdf",
                size=len(DEED),
                commitment=sealing.commitment(salt, DEED),
            ),
        ),
    )
    messaging.files[f"{message_id}/original"] = MAIL
    messaging.files[f"{message_id}/attachments/{attachment_id}"] = DEED
    await firm.told(event)
    return message_id


async def answered(firm: Firm, messaging: Messaging) -> tuple[UUID, UUID]:
    """An acknowledgment and an answer, told and kept as messaging does: the octets that left, under
    the id of each, with the salt that opens what the event commits to."""
    acknowledgment, answer = new_id(), new_id()
    for message_id in (acknowledgment, answer):
        path, salt = f"{message_id}/original", os.urandom(32)
        messaging.files[path] = f"Message-ID: <{message_id}@firm.test>\r\n\r\nYes.\r\n".encode()
        messaging.salts[path] = salt
    of: dict[str, Any] = {
        "conversation_id": new_id(), "client_id": firm.client_id, "matter_id": firm.matter_id,
        "channel": "email",
    }  # fmt: skip
    await firm.told(
        MessageAcknowledged(
            acknowledgment_id=acknowledgment, covers=(), automatic=True, acknowledged_at=FRIDAY,
            original=messaging.left(acknowledgment), **of,
        ),
        MessageSent(
            message_id=answer, kind="answer", sent_at=FRIDAY + timedelta(hours=1),
            subject_text=await firm.seal(firm.client_id, "message", "subject", "Re: the estate"),
            original=messaging.left(answer), **of,
        ),
    )  # fmt: skip
    return acknowledgment, answer


async def ask(firm: Firm, **body: Any) -> dict[str, Any]:
    asked = body or {"matter_id": str(firm.matter_id)}
    answer = await firm.service.http.post(
        "/v1/record/exports", json=asked, headers=bearer(firm.platform, "partner")
    )
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def until(firm: Firm, export: dict[str, Any], state: str) -> dict[str, Any]:
    return await eventually(
        lambda: firm.get(f"/v1/record/exports/{export['id']}"), lambda one: one["state"] == state
    )


async def fetch(firm: Firm, export: dict[str, Any], **headers: str) -> Any:
    return await firm.service.http.get(
        f"/v1/record/exports/{export['id']}/bundle",
        headers=bearer(firm.platform, "partner") | headers,
    )


async def bundle(firm: Firm, **body: Any) -> bytes:
    export = await ask(firm, **body)
    await until(firm, export, "ready")
    content: bytes = (await fetch(firm, export)).content
    return content


def checked(program: Path, target: Path, *key: str) -> subprocess.CompletedProcess[str]:
    """Isolated: nothing but the standard library can be imported."""
    command = [sys.executable, "-I", "-S", str(program), str(target), *key]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}
