"""Witnesses (c2sp.org/tlog-witness): a second party is shown newer checkpoints, with the proof that
each extends the last one they signed, and signs that they saw it: who rewrites the past must
persuade them, too."""

import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.checkpoints import BadNote, Checkpoint, key_id, signature_of, unbase64

COSIGNATURE_V1 = b"\x04"
TIMEOUT_SECONDS = 10.0
LONGEST_ANSWER = 16_384

Prove = Callable[[int, int], Awaitable[Sequence[bytes]]]
"""The consistency proof from one size to a larger one."""


class Silent(OSError):
    """A witness that does not answer, or not as the protocol says: asked again later."""


class Contradicts(Exception):
    """A witness signed for another past than this log has."""


class Ahead(Contradicts):
    """A witness signed for more entries than it was shown: another replica's, or a lost past."""

    def __init__(self, name: str, signed: int, shown: int) -> None:
        super().__init__(f"{name} signed for {signed} entries, there are {shown}")
        self.signed = signed


@dataclass(frozen=True)
class Cosignature:
    """`line` is the note's signature line, as it was given and verified."""

    line: str
    at: datetime


@dataclass(frozen=True)
class Witness:
    """Where it is asked, and the key by which its word is known."""

    address: str
    name: str
    public: bytes

    @classmethod
    def of(cls, setting: str) -> "Witness":
        """`<address> <name>+<key id>+<key>`, the verifier key with the type of cosignatures (4);
        raises BadNote."""
        address, _, verifier = setting.strip().rpartition(" ")
        name, _, rest = verifier.partition("+")
        named_id, _, encoded = rest.partition("+")
        raw = unbase64(encoded)
        known = address and len(raw) == 33 and raw[:1] == COSIGNATURE_V1
        if not known or key_id(name, raw).hex() != named_id:
            raise BadNote(f"{setting!r} is not an address and a witness's verifier key")
        return cls(address.rstrip("/"), name, raw[1:])

    async def ask(
        self, http: httpx2.AsyncClient, checkpoint: Checkpoint, note: str, old: int, prove: Prove
    ) -> Cosignature:
        """The cosignature of a checkpoint; `old` is the size that we believe it signed last. It may
        have signed a later one of which we lost the answer: then it says so, and is asked again.
        Raises Contradicts and Silent."""
        for _ in range(2):
            answer = await self._post(http, note, await prove(old, checkpoint.size), old)
            if answer.status_code == 200:
                return self._cosignature(checkpoint, answer.text)
            if answer.status_code == 422:
                raise Contradicts(f"{self.name} signed for another past of {old} entries")
            if answer.status_code != 409:
                raise Silent(f"{self.name} answered {answer.status_code}")
            signed = _size(answer)
            if old == checkpoint.size and signed in (None, old):
                raise Contradicts(f"{self.name} signed another log of {old} entries")
            if signed is None:
                raise Silent(f"{self.name} says 409, and not of which size")
            if signed > checkpoint.size:
                raise Ahead(self.name, signed, checkpoint.size)
            old = signed
        raise Silent(f"{self.name} was asked by somebody else in between")

    async def _post(
        self, http: httpx2.AsyncClient, note: str, proof: Sequence[bytes], old: int
    ) -> httpx2.Response:
        lines = [f"old {old}", *(base64.b64encode(one).decode() for one in proof)]
        body = "".join(f"{line}\n" for line in lines) + f"\n{note}"
        try:
            return await http.post(
                f"{self.address}/add-checkpoint", content=body.encode(), timeout=TIMEOUT_SECONDS
            )
        except httpx2.HTTPError as error:
            raise Silent(f"{self.name} does not answer ({type(error).__name__})") from error

    def _cosignature(self, checkpoint: Checkpoint, answer: str) -> Cosignature:
        """Of the lines given, the first that is this witness's and sound; others are ignored."""
        for line in answer[:LONGEST_ANSWER].splitlines():
            try:
                at = self.verified(checkpoint.text, line)
            except BadNote:
                continue
            return Cosignature(line, at)
        raise Silent(f"{self.name} gave no cosignature of {checkpoint.size} entries")

    def verified(self, text: str, line: str) -> datetime:
        """When it signed the text of a checkpoint; raises BadNote (c2sp.org/tlog-cosignature)."""
        name, raw = signature_of(line)
        if name != self.name or raw[:4] != key_id(name, COSIGNATURE_V1 + self.public):
            raise BadNote(f"not a signature of {self.name}")
        seconds = int.from_bytes(raw[4:12])
        said = f"cosignature/v1\ntime {seconds}\n{text}"
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(raw[12:], said.encode())
            return datetime.fromtimestamp(seconds, UTC)
        except (InvalidSignature, ValueError, OverflowError, OSError):
            raise BadNote(f"the cosignature of {self.name} is wrong") from None


def _size(answer: httpx2.Response) -> int | None:
    """What the witness signed last; two roots of one size are a 409 without it."""
    told = answer.text.removesuffix("\n")
    if answer.headers.get("content-type") != "text/x.tlog.size" or not told.isascii():
        return None
    return int(told) if told.isdigit() and len(told) <= 19 else None
