"""All benchmarks, one after the other, or those that are named, with what the tests plant at hand:
`PYTHONPATH=tests python benchmarks/all.py mail`.

They print ratios and percentiles of this run on this machine; docs/benchmarks.md tells how to read
them. Loopback only; within ten minutes.
"""

import asyncio
import importlib
import os
import signal
import sys
import time

import uvloop

from ground import ground

NAMES = (
    "write_path",
    "mail",
    "events",
    "clocks",
    "record",
    "intake_way",
    "bills",
    "pages",
    "timeline",
)


def main(names: list[str]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped
    began = time.monotonic()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} cores; load before: {load}", flush=True)
    with ground() as base, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for name in names or NAMES:
            runner.run(importlib.import_module(name).run(base))
    print(f"\n{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
