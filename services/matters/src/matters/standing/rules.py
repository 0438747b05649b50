"""Why something is owed, in a sentence that a client understands."""

REASONS = {
    "update": "You are told how your matter stands at least this often, though there be no news.",
    "prompted": "Something happened that you are to hear, or you asked: you are told by then.",
    "response": "You wrote to us, and are to have an answer.",
    "acknowledgment": "You wrote to us, and are to hear that your message arrived.",
    "decision": "We asked you to decide, and need your answer by then.",
    "question": "You asked about a decision, and are to have an answer.",
    "deadline": "This has to be done or takes place by then.",
    "draft": "This is written and waits for a person's approval.",
}


def why(kind: str, *, prompted: bool = False) -> str:
    return REASONS["prompted" if kind == "update" and prompted else kind]
