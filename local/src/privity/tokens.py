"""The local issuer's tokens: access tokens as RFC 9068 has them, signed with Ed25519.

Only the local profile trusts this issuer; the key lies in the checkout's own state.
"""

import hashlib
import json
import time
import uuid
from base64 import urlsafe_b64encode
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AUDIENCE = "privity"
SMTP_AUDIENCE = "privity-smtp"
ROLES = (
    "partner",
    "attorney",
    "paralegal",
    "billing",
    "compliance",
    "operations",
    "client",
    "integration",
)
STAFF = ROLES[:6]
TWELVE_HOURS = 12 * 3600
THIRTY_DAYS = 30 * 24 * 3600


def mint(
    key: Ed25519PrivateKey,
    issuer: str,
    role: str,
    *,
    email: str | None = None,
    client_id: str | None = None,
) -> str:
    """A bearer token for twelve hours; without `email` that of the role's built-in member."""
    claims: dict[str, Any] = {"aud": AUDIENCE, "role": role}
    if role in STAFF:
        email = email or f"{role}@firm.test"
    if email:
        claims["email"] = email
    if client_id:
        claims["client_id"] = str(uuid.UUID(client_id))
    claims["sub"] = email or client_id or role
    return _sign(key, issuer, claims, TWELVE_HOURS)


def mint_smtp(key: Ed25519PrivateKey, issuer: str, email: str, role: str = "attorney") -> str:
    """A password for mail submission, for thirty days; the user is the address."""
    claims = {"aud": SMTP_AUDIENCE, "role": role, "email": email, "sub": email}
    return _sign(key, issuer, claims, THIRTY_DAYS)


def public_keys(key: Ed25519PrivateKey) -> dict[str, Any]:
    """The key set that the issuer publishes (RFC 7517, RFC 8037)."""
    return {"keys": [_public(key) | {"kid": _key_id(key), "use": "sig", "alg": "EdDSA"}]}


def _sign(key: Ed25519PrivateKey, issuer: str, claims: dict[str, Any], lifetime: int) -> str:
    now = int(time.time())
    claims |= {"iss": issuer, "iat": now, "exp": now + lifetime, "jti": str(uuid.uuid4())}
    return jwt.encode(claims, key, "EdDSA", headers={"typ": "at+jwt", "kid": _key_id(key)})


def _public(key: Ed25519PrivateKey) -> dict[str, str]:
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}


def _key_id(key: Ed25519PrivateKey) -> str:
    """The key's thumbprint (RFC 7638)."""
    canonical = json.dumps(_public(key), sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _base64url(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")
