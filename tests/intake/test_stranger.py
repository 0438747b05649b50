"""Whatever is sent to intake's calls, what the document says is what happens, and never a failure
of ours."""

import asyncio
import sys

from intake.app import create_app
from intake.settings import IntakeSettings
from support.gateway import gateway, listening
from support.platform import Platform
from support.running import bearer

CHECKS = (
    "not_a_server_error,status_code_conformance,response_schema_conformance,"
    "negative_data_rejection,unsupported_method"
)


async def test_what_the_document_promises_is_kept_for_generated_calls(platform: Platform) -> None:
    settings = await platform.settings(
        IntakeSettings,
        intake_public_url="http://127.0.0.1:8080",
        intake_seal_file=platform.keys / "seal.pem",
    )
    partner = bearer(platform, "partner")["Authorization"]
    async with (
        listening(create_app(settings)) as url,
        gateway(platform, intake_url=url, gateway_open_limit="100000/minute") as http,
    ):
        command = [
            sys.executable, "-m", "schemathesis.cli", "run", f"{http.base_url}/openapi.json",
            "--header", f"Authorization: {partner}", "--checks", CHECKS, "--phases",
            "coverage,fuzzing", "--max-examples", "4", "--mode", "all", "--seed", "1",
            "--include-path-regex", "/v1/.*", "--exclude-path-regex", "/v1/pages/.*", "--max-time",
            "12", "--no-color", "--request-timeout", "10",
        ]  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        async with asyncio.timeout(120):
            output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
