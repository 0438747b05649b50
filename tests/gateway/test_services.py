"""Services come up later, go away and come back; the gateway says which is not ready."""

from fastapi import FastAPI

from privity import servers
from support import upstream
from support.gateway import SERVICES, gateway, listening
from support.platform import Platform
from support.running import bearer
from support.waiting import eventually


async def test_a_service_that_comes_up_later_is_met(platform: Platform) -> None:
    port = servers.free_port()
    partner = bearer(platform, "partner")
    async with gateway(platform, messaging_url=f"http://127.0.0.1:{port}") as http:
        early = await http.get("/v1/echo/a", headers=partner)
        assert (early.status_code, early.json()["code"]) == (503, "service-unavailable")
        assert early.headers["retry-after"] == "2"
        async with listening(upstream.service(), port):

            async def status() -> int:
                return (await http.get("/v1/echo/a", headers=partner)).status_code

            await eventually(status, lambda code: code == 200)
            assert "/v1/echo/{name}" in (await http.get("/openapi.json")).json()["paths"]
        away = await http.get("/v1/echo/a", headers=partner)
        assert (away.status_code, away.json()["code"]) == (503, "service-unavailable")


async def test_a_path_is_not_called_unknown_while_its_service_is_being_met(
    platform: Platform,
) -> None:
    """The last service comes up while another takes its time to say whether it is ready."""
    port, partner = servers.free_port(), bearer(platform, "partner")
    slow, late, heard = upstream.service(), FastAPI(), set()
    late.get("/v1/late")(lambda: {})
    async with listening(upstream.service()) as well, listening(slow) as slow_url:
        given = {f"{name}_url": well for name in SERVICES} | {"audit_url": slow_url}
        given["messaging_url"] = f"http://127.0.0.1:{port}"
        async with gateway(platform, **given) as http:
            slow.state.pause = 1.5
            async with listening(late, port):

                async def status() -> int:
                    code = (await http.get("/v1/late", headers=partner)).status_code
                    heard.add(code)
                    return code

                await eventually(status, lambda code: code == 200)
            assert heard == {503, 200}
            assert (await http.get("/v1/nowhere", headers=partner)).status_code == 404


async def test_ready_names_who_is_not(platform: Platform) -> None:
    async with (
        listening(upstream.service()) as well,
        listening(upstream.service(ready=False)) as ill,
        gateway(platform, matters_url=well, messaging_url=well, audit_url=ill) as http,
    ):
        answer = await http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {
            "ready": False,
            "checks": {
                "matters": "ok",
                "sla-monitor": "does not answer (ConnectError)",
                "messaging": "ok",
                "billing": "does not answer (ConnectError)",
                "audit": "not ready: relay",
                "intake": "does not answer (ConnectError)",
            },
        }
        assert (await http.get("/healthz")).json() == {"status": "ok"}


async def test_events_are_described_too(platform: Platform) -> None:
    async with gateway(platform) as http:
        document = (await http.get("/asyncapi.json")).json()
        assert document["asyncapi"].startswith("3.")
        assert "messaging" in document["channels"]
