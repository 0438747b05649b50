"""Who is calling: a bearer token (RFC 9068) that every service checks itself.

Signature, issuer, audience, type and expiry are checked; the algorithm comes from the key,
never from the token. Expiry is real time, whatever the local clock was moved to.
"""

import time
import uuid
from typing import Annotated, Any
from uuid import UUID

import httpx2
import jwt
from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict

from shared.errors import Unauthenticated, Unavailable
from shared.settings import ProcessSettings

KEYS_KEPT_SECONDS = 300.0
KEYS_ASKED_AT_MOST_EVERY_SECONDS = 5.0
ALGORITHMS = ("EdDSA", "ES256", "RS256", "PS256")


class CallerIdentity(BaseModel):
    """Who calls, as the token says. `id` is stable: the client's own id, else derived from
    issuer and subject."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    role: str
    email: str | None = None
    client_id: UUID | None = None


class Authenticator:
    """Checks tokens against the issuer's published keys (JWKS), fetched when an unknown key id
    comes."""

    def __init__(self, settings: ProcessSettings, http: httpx2.AsyncClient) -> None:
        self._settings = settings
        self._http = http
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = float("-inf")

    async def caller(self, request: Request) -> CallerIdentity:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Send a bearer token in the Authorization header.")
        return await self.check(token.strip(), self._settings.oidc_audience)

    async def check(self, token: str, audience: str) -> CallerIdentity:
        claims = await self._claims(token, audience)
        try:
            return _identity(claims)
        except (KeyError, ValueError) as error:
            raise Unauthenticated(f"The token's claims are not usable: {error}.") from error

    async def _claims(self, token: str, audience: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if str(header.get("typ", "")).lower() not in ("at+jwt", "application/at+jwt"):
                raise Unauthenticated("The token is not an access token (typ at+jwt).")
            key = await self._key(str(header.get("kid", "")))
            return jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=audience,
                issuer=self._settings.oidc_issuer,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
                leeway=5,
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"The token is refused: {error}.") from error

    async def _key(self, key_id: str) -> jwt.PyJWK:
        age = time.monotonic() - self._fetched_at
        unknown = key_id not in self._keys and age > KEYS_ASKED_AT_MOST_EVERY_SECONDS
        if unknown or age > KEYS_KEPT_SECONDS:
            await self._fetch()
        if key_id not in self._keys:
            raise Unauthenticated("The token is signed by a key that its issuer does not publish.")
        return self._keys[key_id]

    async def _fetch(self) -> None:
        try:
            base = self._settings.oidc_issuer.rstrip("/")
            discovery = await self._http.get(f"{base}/.well-known/openid-configuration")
            published = await self._http.get(discovery.raise_for_status().json()["jwks_uri"])
            keys = jwt.PyJWKSet.from_dict(published.raise_for_status().json()).keys
        except (httpx2.HTTPError, KeyError, ValueError, jwt.PyJWTError) as error:
            if self._keys:  # an issuer that is away for a while does not lock everybody out
                return
            raise Unavailable("The identity provider does not answer.") from error
        self._fetched_at = time.monotonic()
        self._keys = {str(key.key_id): key for key in keys if key.algorithm_name in ALGORITHMS}


def _identity(claims: dict[str, Any]) -> CallerIdentity:
    role = str(claims["role"])
    client_id = UUID(claims["client_id"]) if role == "client" else None
    stable = uuid.uuid5(uuid.NAMESPACE_URL, f"{claims['iss']}#{claims['sub']}")
    return CallerIdentity(
        id=client_id or stable,
        role=role,
        email=str(claims["email"]).lower() if "email" in claims else None,
        client_id=client_id,
    )


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT")  # only so that OpenAPI says it


async def caller(request: Request, _: Annotated[Any, Depends(_bearer)] = None) -> CallerIdentity:
    """The caller of this request, checked once. Raises Unauthenticated, and Forbidden for who has
    left the firm."""
    if not hasattr(request.state, "caller"):
        runtime = request.state.runtime
        request.state.caller = await runtime.auth.caller(request)
        if runtime.leavers:
            runtime.leavers.refuse(request.state.caller)
    identity = request.state.caller
    assert isinstance(identity, CallerIdentity)
    return identity


Caller = Annotated[CallerIdentity, Depends(caller)]
