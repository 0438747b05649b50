"""A generator of HTTP load that costs little itself: kept connections, each with one request
under way, written and read as octets."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What was answered with 201 within the measured seconds; latencies in ms."""

    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


def post(path: str, body: bytes, **headers: str) -> bytes:
    """One request as it goes over the line."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"content-length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def load(
    port: int, request: Callable[[], bytes], *, connections: int, seconds: float, warm: float = 2
) -> Load:
    """Raises ValueError at the first answer that is not 201."""
    begin = time.perf_counter() + warm
    end = begin + seconds
    latencies: list[float] = []

    async def one_after_the_other() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (asked := time.perf_counter()) < end:
            writer.write(request())
            await _created(reader)
            if asked >= begin:
                latencies.append((time.perf_counter() - asked) * 1000)
        writer.close()

    await asyncio.gather(*(one_after_the_other() for _ in range(connections)))
    return Load(seconds, latencies)


async def _created(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith(b"http/1.1 201"):
        raise ValueError(f"{head.decode()}{body.decode()}")
