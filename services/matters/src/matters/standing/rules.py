"""Why something is owed, in a sentence that a client understands, and what it is called that they
were told."""

REASONS = {
    "update": "You are to hear by then how your matter stands, though there be no news.",
    "prompted": "Something happened that you are to hear, or you asked: you are told by then.",
    "response": "You wrote to us, and are to have an answer.",
    "paused": "You wrote to us; before we can answer we asked you something, and wait for you.",
    "acknowledgment": "You wrote to us, and are to hear that your message arrived.",
    "decision": "We asked you to decide, and need your answer by then.",
    "question": "You asked about a decision or the strategy, and are to have an answer.",
    "deadline": "This has to be done or takes place by then.",
    "assessment": "We told you how we see your case now, and ask you to say that you have read it.",
    "file": "Your matter is closed, and its file is yours: you have not been given it yet.",
    "concern": "You raised a concern about a bill, and are to have an answer.",
    "draft": "This is written and waits for a person's approval.",
    "approved": "This is approved, and goes out by then unless it is taken back.",
    "undelivered": "This came back: the client has to hear it in another way.",
}
UNSENT = {
    "draft": "draft",
    "approved": "approved",
    "released": "approved",
    "failed": "undelivered",
}
SYSTEM = "The firm's system"
TELLINGS = {
    "answer": "An answer to you",
    "question": "A question to you",
    "acknowledgment": "Your message arrived",
    "notice": "A notice",
    "call": "A call with you",
    "meeting": "A meeting with you",
}


def why(kind: str, *, prompted: bool = False, paused: bool = False) -> str:
    """A kind of clock that has no sentence yet is owed all the same."""
    known = "prompted" if kind == "update" and prompted else "paused" if paused else kind
    return REASONS.get(known, "We promised you this by then.")
