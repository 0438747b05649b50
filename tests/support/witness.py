"""A witness of the test's own on a real socket, written from c2sp.org/tlog-witness alone: it checks
signature and consistency proof before it signs, and shares no line with audit."""

import asyncio
import base64
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI, Request, Response

from privity import servers
from privity.verify.notes import Checkpoint, open_checkpoint, parse_key
from privity.verify.report import Doubt

SIZE = "text/x.tlog.size"


@dataclass
class Witness:
    """`seen` is what it signed last; `status`, when set, is all that it answers."""

    log_key: str
    name: str = "witness.test/w1"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    seen: Checkpoint | None = None
    status: int | None = None
    lose_answers: int = 0
    url: str = ""

    @property
    def verifier(self) -> str:
        raw = b"\x04" + self.key.public_key().public_bytes_raw()
        return f"{self.name}+{self._id().hex()}+{base64.b64encode(raw).decode()}"

    @property
    def setting(self) -> str:
        return f"{self.url} {self.verifier}"

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/add-checkpoint")
        async def add(request: Request) -> Response:
            if self.status is not None:
                return Response(status_code=self.status)
            answer = self.answer(await request.body())
            if self.lose_answers:
                self.lose_answers -= 1
                return Response(status_code=502)
            return answer

        return app

    def answer(self, body: bytes) -> Response:
        head, _, note = body.partition(b"\n\n")
        first, *lines = head.decode().split("\n")
        word, _, number = first.partition(" ")
        if word != "old" or not number.isdigit() or str(int(number)) != number or len(lines) > 63:
            return Response(status_code=400)
        old, proof = int(number), [base64.b64decode(one, validate=True) for one in lines]
        try:
            new = open_checkpoint(note, parse_key(self.log_key))
        except Doubt:
            return Response(status_code=403)
        last = self.seen.size if self.seen else 0
        if old > new.size:
            return Response(status_code=400)
        if old != last or (self.seen and old == new.size and new.root != self.seen.root):
            return Response(f"{last}\n", 409, media_type=None, headers={"content-type": SIZE})
        if not (self.seen is None or extends(self.seen, new, proof)):
            return Response(status_code=422)
        self.seen = new
        return Response(self.sign(note.decode().rpartition("\n\n")[0] + "\n"))

    def sign(self, text: str) -> str:
        now = int(time.time())
        signature = self.key.sign(f"cosignature/v1\ntime {now}\n{text}".encode())
        raw = self._id() + now.to_bytes(8, "big") + signature
        return f"— {self.name} {base64.b64encode(raw).decode()}\n"

    def _id(self) -> bytes:
        public = self.key.public_key().public_bytes_raw()
        return sha256(self.name.encode() + b"\n\x04" + public).digest()[:4]


def extends(old: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> bool:
    """RFC 9162 §2.1.4.2."""
    if old.size == new.size:
        return not proof and old.root == new.root
    path = list(proof)
    if old.size & (old.size - 1) == 0:
        path = [old.root, *path]
    first, second = old.size - 1, new.size - 1
    while first & 1:
        first, second = first >> 1, second >> 1
    if not path:
        return False
    from_old = from_new = path[0]
    for one in path[1:]:
        if second == 0:
            return False
        if first & 1 or first == second:
            from_old, from_new = joined(one, from_old), joined(one, from_new)
            while first and not first & 1:
                first, second = first >> 1, second >> 1
        else:
            from_new = joined(from_new, one)
        first, second = first >> 1, second >> 1
    return (from_old, from_new, second) == (old.root, new.root, 0)


def joined(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


@asynccontextmanager
async def witness_at(log_key: str, name: str = "witness.test/w1") -> AsyncIterator[Witness]:
    made, port = Witness(log_key, name), servers.free_port()
    server = uvicorn.Server(uvicorn.Config(made.app(), "127.0.0.1", port, log_level="warning"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    made.url = f"http://127.0.0.1:{port}"
    yield made
    server.should_exit = True
    await task


def random_root(size: int, origin: str) -> Checkpoint:
    return Checkpoint(origin, size, os.urandom(32))
