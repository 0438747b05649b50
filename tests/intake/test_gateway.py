"""What intake knows of a caller through the real gateway."""

import httpx2
import orjson

from intake.app import create_app
from intake.settings import IntakeSettings
from shared.contracts.intake import SignatureGiven
from support.gateway import gateway, listening
from support.platform import Platform
from support.prospects import Intake


async def test_the_address_in_the_evidence_is_the_signers_and_not_what_they_say_it_is(
    platform: Platform, intake: Intake
) -> None:
    _, (ann, _) = await intake.proposed()
    read = (await ann.call("GET", "/agreement")).json()
    settings = intake.runtime.settings
    assert isinstance(settings, IntakeSettings)
    async with (
        listening(create_app(settings)) as url,
        gateway(platform, intake_url=url) as door,
        httpx2.AsyncClient(
            base_url=door.base_url,
            transport=httpx2.AsyncHTTPTransport(local_address="127.0.0.2"),
        ) as browser,
    ):
        signed = await browser.post(
            f"/v1/links/{ann.token}/sign",
            json={
                "name": "Ann Example",
                "i_sign": True,
                "i_agree_to_electronic_business": True,
                "document_sha256": read["document_sha256"],
            },
            headers={
                "Link-Session": ann.session,
                "X-Forwarded-For": "203.0.113.9",
                "Forwarded": "for=203.0.113.9",
                "X-Real-IP": "203.0.113.9",
            },
        )
        assert signed.status_code == 200, signed.text
    (told,) = await intake.told(SignatureGiven)
    evidence = orjson.loads(await intake.opened(told.signature.evidence))
    assert evidence["address"] == "127.0.0.2"
