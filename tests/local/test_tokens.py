"""The local issuer's tokens are access tokens as services demand them."""

import time
import uuid
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from privity.tokens import ROLES, mint, mint_smtp, public_keys

ISSUER = "http://127.0.0.1:8105"
KEY = Ed25519PrivateKey.generate()


def read(token: str, audience: str = "privity") -> dict[str, Any]:
    """As a service reads it, with the published key."""
    keys = jwt.PyJWKSet.from_dict(public_keys(KEY))
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "at+jwt"
    claims: dict[str, Any] = jwt.decode(
        token, keys[header["kid"]], ["EdDSA"], audience=audience, issuer=ISSUER
    )
    return claims


@pytest.mark.parametrize("role", [role for role in ROLES if role not in ("client", "integration")])
def test_staff_without_an_address_act_as_the_built_in_member(role: str) -> None:
    claims = read(mint(KEY, ISSUER, role))
    assert (claims["role"], claims["email"]) == (role, f"{role}@firm.test")


def test_a_token_lasts_twelve_hours() -> None:
    claims = read(mint(KEY, ISSUER, "partner"))
    assert claims["exp"] - claims["iat"] == 12 * 3600
    assert abs(claims["iat"] - time.time()) < 5


def test_a_client_is_named_by_id() -> None:
    client = str(uuid.uuid4())
    claims = read(mint(KEY, ISSUER, "client", client_id=client))
    assert (claims["client_id"], claims["sub"], claims["role"]) == (client, client, "client")
    assert "email" not in claims


def test_a_client_id_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="UUID"):
        mint(KEY, ISSUER, "client", client_id="anna")


def test_a_submission_password_is_good_for_nothing_else() -> None:
    password = mint_smtp(KEY, ISSUER, "attorney@firm.test")
    claims = read(password, "privity-smtp")
    assert claims["email"] == "attorney@firm.test"
    assert claims["exp"] - claims["iat"] == 30 * 24 * 3600
    with pytest.raises(jwt.InvalidAudienceError):
        read(password)
