"""A real Chromium, spoken to over its debugging pipe: open a page, act on it, look at it."""

import asyncio
import base64
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--remote-debugging-pipe", "--no-first-run", "--disable-quic",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--disable-gpu",
)  # fmt: skip
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}


class Browser:
    """One tab. Messages are JSON, each ended by a zero octet (Chrome DevTools Protocol)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._number, self._session = 0, ""

    async def begin(self) -> None:
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        await self.call("Page.enable")
        await self.call("Emulation.setDeviceMetricsOverride", **PHONE)

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._writer.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads((await self._reader.readuntil(b"\0"))[:-1])
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result

    async def open(self, url: str) -> None:
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def run(self, script: str) -> Any:
        """What the script's last expression comes to."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, condition: str, seconds: float = 90) -> None:
        async with asyncio.timeout(seconds):
            while True:
                with suppress(AssertionError):  # between two pages there is none to ask
                    if await self.run(condition):
                        return
                await asyncio.sleep(0.05)

    async def choose(self, selector: str, file: Path) -> None:
        """As somebody chooses a file in a form."""
        found = await self.call(
            "Runtime.evaluate", expression=f"document.querySelector({selector!r})"
        )
        node = found["result"]["objectId"]
        await self.call("DOM.setFileInputFiles", files=[str(file)], objectId=node)

    async def picture(self) -> bytes:
        """The whole page, as on a phone."""
        taken = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(taken["data"])


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    assert program, "these tests need Chromium (Debian: chromium)"
    to_read, to_write = os.pipe(), os.pipe()
    # Its helpers may write on for a moment after it has ended; what they leave is nothing.
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        # The browser reads from its descriptor 3 and writes to 4, whatever they are here.
        command = f'exec "$0" "$@" 3<&{to_read[0]} 4>&{to_write[1]}'
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", command, program, *FLAGS, f"--user-data-dir={profile}",
            pass_fds=(to_read[0], to_write[1]), stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read[0])
        os.close(to_write[1])
        reader, writer = await _streams(to_write[0], to_read[1])
        browser = Browser(reader, writer)
        try:
            await browser.begin()
            yield browser
        finally:
            writer.close()
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _streams(read: int, write: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=64 * 1024**2)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read, "rb")
    )
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(write, "wb")
    )
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
