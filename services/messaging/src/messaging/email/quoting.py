"""The reply without the quoted history below it, in linear time whatever the text.

Where people wrote between the quoted lines nothing is trimmed: better too much than an answer lost.
(`mail-parser-reply` takes 24 s for 20,000 empty lines, so this is ours.)
"""

import re

# How mail programs introduce what they quote: from here to a colon, within three lines.
_ATTRIBUTIONS = (
    ("On ", "wrote"),
    ("Am ", "schrieb"),
    ("Le ", "a écrit"),
    ("El ", "escribió"),
    ("Il ", "ha scritto"),
    ("Op ", "schreef"),
    ("Den ", "skrev"),
)
_SEPARATOR = re.compile(r"-{3,} ?[\w ]{1,40} ?-{3,}|_{20,}")
_HEADER = re.compile(
    r"\*?(From|Sent|Date|To|Subject|Von|Gesendet|An|Betreff|De|Envoyé|À|Objet|Enviado|Para|Asunto)"
    r" ?:\*? "
)


def reply_of(text: str) -> str:
    """What the sender wrote above the quoted history; all of it where nothing would remain."""
    lines = [line.strip() for line in text.splitlines()]
    answered = _last_quote_with_own_words_below(lines)
    for cut in range(len(lines)):
        if _forwarded_block(lines, cut) or (cut > answered and _attribution(lines, cut)):
            break
    else:
        cut = len(lines)
    while cut and (not lines[cut - 1] or lines[cut - 1].startswith(">")):
        cut -= 1
    return "\n".join(text.splitlines()[:cut]).strip() or text.strip()


def _last_quote_with_own_words_below(lines: list[str]) -> int:
    own = False
    for n in range(len(lines) - 1, -1, -1):
        if own and lines[n].startswith(">"):
            return n
        own = own or bool(lines[n] and not lines[n].startswith(">"))
    return -1


def _forwarded_block(lines: list[str], n: int) -> bool:
    """A copied header, with or without a ruled line above it, as Outlook quotes."""
    begin = n + 1 if _SEPARATOR.fullmatch(lines[n][:120]) else n
    block = lines[begin : begin + 5]
    return sum(bool(_HEADER.match(line)) for line in block) >= 3 and (
        begin > n or bool(_HEADER.match(lines[n]))
    )


def _attribution(lines: list[str], n: int) -> bool:
    for begins, said in _ATTRIBUTIONS:
        if lines[n].startswith(begins):
            for count in (1, 2, 3):
                sentence = " ".join(line[:300] for line in lines[n : n + count])
                if sentence.endswith(":") and said in sentence:
                    return any(letter.isdigit() for letter in sentence)
    return False
