"""The story as one page that needs nothing else: no scripts, no assets, for screen and paper.

Every text of it that a person or a service wrote is escaped here, and a Content-Security-Policy in
the page allows its one style sheet, by digest, and nothing more.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape
from itertools import groupby
from pathlib import Path

from privity.demo_story import PROMISES, Facts, Story, entry, reason, seconds_between
from privity.demo_told import place, spoken
from privity.mail import Mail
from privity.terminal import COMMAND

STYLE = Path(__file__).with_name("demo.css")


def page(story: Story) -> str:
    style = STYLE.read_text()
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    sections = (_letters, _clocks, _forgery, _answer, _timeline, _proof, _trace)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Privity: {escape(story.client["name"])} wrote, and what became of it</title>
<style>{style}</style>
</head>
<body>
{_header(story)}
<main>
{"".join(section(story) for section in sections)}</main>
<footer>
<p>Told by <code>privity demo</code> on {_time(story.told_at, story.firm["time_zone"])} from a
platform that ran on this machine. Every word and number above came out of it: two mailboxes, the
API, and the public log. Run it again and it happens again, with a new client.</p>
</footer>
</body>
</html>
"""


def _header(story: Story) -> str:
    letter, response = story.letter, story.clocks["response"]
    took = seconds_between(letter["received_at"], letter["acknowledged_at"])
    zone = story.client["time_zone"]
    return f"""<header>
<p class="name">Privity</p>
<h1>A client wrote. {_seconds(took)} later she knew who answers her, and by when.</h1>
<p class="lead">One email to {escape(story.firm["name"])}: kept, acknowledged, answered in time,
and on a record that anybody can check.</p>
<dl class="figures">
<div><dt>from her letter's arrival to its acknowledgment</dt><dd>{took:.1f} s</dd></div>
<div><dt>her answer, at the latest</dt><dd>{_time(response["limit_at"], zone)}</dd></div>
<div><dt>on the record, each one checked from outside</dt><dd>{story.proof.size} entries</dd></div>
</dl>
</header>"""


def _letters(story: Story) -> str:
    first = story.client["name"].partition(" ")[0]
    letter, zone = story.letter, story.client["time_zone"]
    arrived = _time(letter["received_at"], zone)
    return f"""<div class="pair">
<div>
<section aria-labelledby="letter">
<h2 id="letter">What {escape(first)} wrote</h2>
<article class="sheet">
<h3>{escape(letter["subject"])}</h3>
<p class="head">from {escape(story.client["name"])} &lt;{escape(story.client["email"])}&gt; to
{escape(letter["to"])}<br>arrived {arrived}</p>
{_text(letter["text"])}
</article>
</section>
<section aria-labelledby="acknowledgment">
<h2 id="acknowledgment">What she read at once</h2>
{_sheet(story.acknowledgment)}
</section>
</div>
<section aria-labelledby="notice">
<h2 id="notice">What her lawyer read at once</h2>
{_sheet(story.notice)}
</section>
</div>
"""


def _clocks(story: Story) -> str:
    zone, home = story.client["time_zone"], story.firm["time_zone"]
    clocks = sorted(story.clocks.items())
    rows = "".join(
        f"""<tr><th scope="row">{PROMISES[kind]}</th>
<td data-name="started">{_instant(clock["opened_at"], zone)}</td>
<td data-name="aimed at">{_instant(clock["target_at"], zone)}</td>
<td data-name="at the latest">{_instant(clock["limit_at"], zone)}</td>
<td data-name="kept" class="kept">{_instant(clock["met_at"], zone)}</td></tr>"""
        for kind, clock in clocks
    )
    spans = "".join(
        f"""<tr><td data-name="from">{_instant(span["from"], home)}</td>
<td data-name="to">{_instant(span["to"], home)}</td>
<td>{"counted" if span["counted"] else f"not counted: {escape(reason(span))}"}</td></tr>"""
        for span in story.explanation
    )
    return f"""<section aria-labelledby="clocks">
<h2 id="clocks">Two promises, two clocks</h2>
<p>An acknowledgment is no answer. It meets its own clock; the answer's clock runs on until a person
has answered, and counts the firm's working days only.</p>
<div class="wide"><table class="stacked">
<caption>The two clocks, in her time ({place(zone)})</caption>
<thead><tr><th scope="col">Promise</th><th scope="col">Started</th><th scope="col">Aimed at</th>
<th scope="col">At the latest</th><th scope="col">Kept</th></tr></thead>
<tbody>{rows}</tbody></table></div>
{_bar(story.explanation)}
<div class="wide"><table class="stacked">
<caption>Why the answer was due then, in the firm's time ({place(home)})</caption>
<thead><tr><th scope="col">From</th><th scope="col">To</th><th scope="col">So</th></tr></thead>
<tbody>{spans}</tbody></table></div>
</section>
"""


def _bar(explanation: list[Facts]) -> str:
    """The spans to scale. The table below it says the same in words."""
    start, end = explanation[0]["from"], explanation[-1]["to"]
    whole = seconds_between(start, end) or 1
    drawn = ""
    for span in explanation:
        x = 1000 * seconds_between(start, span["from"]) / whole
        width = 1000 * seconds_between(span["from"], span["to"]) / whole
        kind = "counted" if span["counted"] else "skipped"
        drawn += f'<rect class="{kind}" x="{x:.1f}" y="0" width="{width:.1f}" height="10"/>'
    return f"""<svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
{drawn}</svg>
<p class="legend" aria-hidden="true"><span>her letter</span><span>grey: not counted · coloured:
counted</span><span>at the latest</span></p>"""


def _forgery(story: Story) -> str:
    forged = story.forgery
    return f"""<section aria-labelledby="forgery">
<h2 id="forgery">Somebody forged the lawyer's reply, and nothing changed</h2>
<article class="sheet narrow forged">
<p class="head">from {escape(forged["from"])}, to the right reply address, but nobody had signed in
to send it</p>
{_text(forged["text"])}
</article>
<p>It was kept, and waits for a person in triage ({escape(forged["reason"])}). The answer's clock
was still {escape(forged["clock"])}; {escape(story.client["name"])}'s mailbox still held
{forged["letters_in_the_clients_mailbox"]} mail, the acknowledgment.</p>
</section>
"""


def _answer(story: Story) -> str:
    return f"""<section aria-labelledby="answer">
<h2 id="answer">The answer, sent from the lawyer's own mail program</h2>
<div class="narrow">{_sheet(story.answer)}</div>
</section>
"""


def _timeline(story: Story) -> str:
    rows = "".join(
        f"""<tr><td>{_instant(one["time"], story.firm["time_zone"])}</td>
<td>{escape(entry(one))}</td><td data-name="entry" class="number">{one["index"]}</td></tr>"""
        for one in story.timeline
    )
    return f"""<section aria-labelledby="timeline">
<h2 id="timeline">Matter {escape(story.matter["number"])}, from the beginning</h2>
<div class="wide"><table class="stacked">
<caption>{escape(story.matter["title"])}: its whole timeline, in the firm's time
({place(story.firm["time_zone"])})</caption>
<thead><tr><th scope="col">When</th><th scope="col">What</th>
<th scope="col" class="number">Entry of the record</th></tr></thead>
<tbody>{rows}</tbody></table></div>
</section>
"""


def _proof(story: Story) -> str:
    proved = "".join(f"<li>{escape(sentence)}</li>" for sentence in story.proof.proved)
    return f"""<section aria-labelledby="proof">
<h2 id="proof">The proof</h2>
<p>Each entry above is a leaf of one hash tree, and the firm signs the tree's root. Change, drop or
reorder a single entry, and the root is another one. The check read the whole log over its public
address, with a program that shares no code with the server:</p>
<ul class="proofs">{proved}</ul>
<h3>The signed checkpoint: whose log, how many entries, their root, the signature</h3>
<pre>{escape((story.proof.checkpoint or "").strip())}</pre>
<p>Check it yourself:</p>
<pre>{COMMAND} verify {escape(story.proof.target)}</pre>
</section>
"""


def _trace(story: Story) -> str:
    if story.trace is None:
        return ""
    services = ", ".join(story.services_of_the_trace)
    return f"""<section aria-labelledby="trace">
<h2 id="trace">Her letter's way through the services</h2>
<p><a href="{escape(story.trace)}">One trace</a> leads from the mail's arrival to the record and the
acknowledgment, through {escape(services)}. It opens while the platform runs.</p>
</section>
"""


def _sheet(mail: Mail) -> str:
    return f"""<article class="sheet">
<h3>{escape(mail.subject)}</h3>
<p class="head">from {escape(mail.sender)}<br>to {escape(mail.to)}</p>
{_text(mail.text)}
</article>"""


def _text(text: str) -> str:
    """A plain mail: paragraphs, `  name: value` lines as a list, `>` lines as a quotation."""
    parts = []
    for kind, lines in groupby(text.strip().splitlines(), _kind):
        if kind == "named":
            parts.append(f"<dl>{''.join(_named(line) for line in lines)}</dl>")
        elif kind == "quoted":
            inner = "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines)
            parts.append(f"<blockquote>{_text(inner)}</blockquote>")
        elif kind == "words":
            parts.append(f"<p>{'<br>'.join(escape(line) for line in lines)}</p>")
    return "\n".join(parts)


def _kind(line: str) -> str:
    if not line.strip():
        return "blank"
    if line.startswith(">"):
        return "quoted"
    return "named" if line.startswith("  ") and ": " in line else "words"


def _named(line: str) -> str:
    name, _, said = line.strip().partition(": ")
    address = ' class="address"' if said.startswith("reply+") else ""
    shown = escape(said).replace("@", "<wbr>@") if address else escape(said)
    return f"<div><dt>{escape(name)}</dt><dd{address}>{shown}</dd></div>"


def _time(instant: str, zone: str) -> str:
    return f'<time datetime="{escape(instant)}">{escape(spoken(instant, zone))}</time>'


def _instant(instant: str, zone: str) -> str:
    said = spoken(instant, zone, seconds=True)
    return f'<time datetime="{escape(instant)}">{escape(said)}</time>'


def _seconds(took: float) -> str:
    if took < 1:
        return "Less than a second"
    return "One second" if took < 1.5 else f"{took:.0f} seconds"
