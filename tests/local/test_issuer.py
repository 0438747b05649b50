"""The local issuer stays local: one profile, loopback only, no foreign Host."""

from pathlib import Path

import httpx2
import pytest

from privity.issuer import app_for, create_app
from privity.keys import key_file, signing_key
from privity.tokens import public_keys

ISSUER = "http://127.0.0.1:8105"


async def get(key: Path, path: str, host: str = "127.0.0.1:8105") -> httpx2.Response:
    transport = httpx2.ASGITransport(app_for(ISSUER, key))
    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as http:
        return await http.get(path, headers={"Host": host})


async def test_it_publishes_where_its_key_is_and_the_key(tmp_path: Path) -> None:
    key = key_file(tmp_path, "issuer")
    discovery = (await get(key, "/.well-known/openid-configuration")).json()
    assert discovery["issuer"] == ISSUER
    assert discovery["jwks_uri"] == f"{ISSUER}/jwks.json"
    assert (await get(key, "/jwks.json")).json() == public_keys(signing_key(key))


async def test_a_foreign_host_is_refused(tmp_path: Path) -> None:
    key = key_file(tmp_path, "issuer")
    assert (await get(key, "/jwks.json", "evil.example")).status_code == 400


def test_it_does_not_start_off_loopback(tmp_path: Path) -> None:
    for address in ("http://10.0.0.1:8105", "https://login.example"):
        with pytest.raises(SystemExit):
            app_for(address, key_file(tmp_path, "issuer"))


def test_it_does_not_start_outside_the_local_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_ISSUER", ISSUER)
    monkeypatch.setenv("ISSUER_KEY_FILE", str(key_file(tmp_path, "issuer")))
    monkeypatch.setenv("PRIVITY_PROFILE", "production")
    with pytest.raises(SystemExit):
        create_app()
