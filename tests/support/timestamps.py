"""A timestamp authority of the outside world on loopback (RFC 3161): answers, fails, or waits as a
test says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from asn1crypto import keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from fastapi import FastAPI, Request, Response
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from support.gateway import listening


@dataclass
class Authority:
    """`asked` is set at the first question; no answer is given before `may_answer`."""

    url: str = ""
    failing: bool = False
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def authority() -> AsyncIterator[Authority]:
    one, stamper, app = Authority(), _stamper(), FastAPI()
    one.may_answer.set()

    @app.post("/tsa")
    async def stamp(request: Request) -> Response:
        query = tsp.TimeStampReq.load(await request.body())
        one.asked.set()
        await one.may_answer.wait()
        if one.failing:
            return Response(status_code=503)
        answer = stamper.request_tsa_response(query).dump()
        return Response(answer, media_type="application/timestamp-reply")

    async with listening(app) as url:
        one.url = f"{url}/tsa"
        yield one


def _stamper() -> DummyTimeStamper:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Timestamps of the tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(key, SHA256())
    )
    secret = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return DummyTimeStamper(
        asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER)),
        keys.PrivateKeyInfo.load(secret),
    )
