"""`privity demo`: starts what does not run, tells the story, and writes it down as a page."""

import time
from pathlib import Path

from rich.console import Console

from privity import demo_page, demo_story, jars, terminal, up
from privity.demo_story import Story
from privity.demo_told import Teller
from privity.stack import Stack
from privity.supervisor import AlreadyRunning


def tell(home: Path, console: Console) -> tuple[Story, Path]:
    """The story and the page it was written to. What was started for it runs on."""
    started = _started(Stack.chosen(home), console)
    began = time.monotonic()
    story = demo_story.play(Stack.found(home), Teller(console, began))
    page = home / "demo.html"
    page.write_text(demo_page.page(story))
    console.print(f"\nTold in {time.monotonic() - began:.0f} s. As a page: {page}", markup=False)
    if started:
        console.print("The platform was started for this and runs on; `make stop` ends it.")
    return story, page


def _started(stack: Stack, console: Console) -> bool:
    """Whether it had to be. Returns when everything is ready."""
    try:
        jars.fetch(lambda line: console.print(line))
        up.begin(stack)
    except AlreadyRunning:
        up.follow(stack.home, lambda _: None)
        return False
    console.print("The platform does not run yet; starting it.")
    terminal.show_progress(stack, console)
    return True
