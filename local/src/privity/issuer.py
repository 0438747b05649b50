"""The local identity provider: it publishes the key that `privity token` signs with.

It refuses to start outside the local profile or off loopback, and answers only to a loopback Host.
"""

import os
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from privity.keys import signing_key
from privity.tokens import public_keys


def create_app() -> Starlette:
    """Reads PRIVITY_PROFILE, OIDC_ISSUER (its own address) and ISSUER_KEY_FILE."""
    if os.environ.get("PRIVITY_PROFILE") != "local":
        raise SystemExit("The local issuer runs only in the local profile.")
    return app_for(os.environ["OIDC_ISSUER"], Path(os.environ["ISSUER_KEY_FILE"]))


def app_for(issuer: str, key_file: Path) -> Starlette:
    """The issuer that says it is at `issuer`, which must be on loopback."""
    if not _is_loopback(urlsplit(issuer).hostname or ""):
        raise SystemExit("The local issuer runs only on loopback.")
    discovery = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks.json",
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
    }
    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", _answer(discovery)),
            Route("/jwks.json", _answer(public_keys(signing_key(key_file)))),
            Route("/readyz", _answer({"ready": True})),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _answer(content: Mapping[str, object]) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def endpoint(request: Request) -> JSONResponse:
        return JSONResponse(content)

    return endpoint
