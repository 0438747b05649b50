"""A process that takes a stream's head and stops there for ever, as one that was paused by its
machine.

python frozen.py DATABASE_URL IDLE_TIMEOUT_MS
"""

import asyncio
import os
import signal
import sys

import asyncpg


async def main(url: str, idle_milliseconds: str) -> None:
    settings = {"idle_in_transaction_session_timeout": idle_milliseconds}
    connection = await asyncpg.connect(url, server_settings=settings)
    await connection.execute("BEGIN; SELECT * FROM outbox_heads ORDER BY partition FOR UPDATE")
    sys.stdout.write("holding\n")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGSTOP)


asyncio.run(main(*sys.argv[1:]))
