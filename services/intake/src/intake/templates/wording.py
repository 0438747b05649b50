"""Templates: the firm's own wording with places for what was agreed. Pure.

A template can show what it is given, ask whether it is there and go through a list; it can call
nothing, reach nothing and not run long. What it may contain is a list; everything else is refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import StringConstraints

Text = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=20_000,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$",
    ),
]
"""Of an agreement or its template: as long as it takes."""

KNOWN = frozenset({"firm", "client", "terms", "signers", "parties", "joint_clients", "date"})
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.If,
    nodes.For, nodes.Const, nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Operand,
)  # fmt: skip
MOST_SECTIONS = 200
MOST_LETTERS = 1_000_000
_DEEPEST = 2

_environment = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
)


class TemplateRefused(ValueError):
    """What a template must not contain, in words for who wrote it."""


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    body: str


def check(sections: Sequence[Section]) -> None:
    """Raises TemplateRefused; also for what would fail later on complete data."""
    if not 0 < len(sections) <= MOST_SECTIONS:
        raise TemplateRefused(f"a template has 1 to {MOST_SECTIONS} sections")
    for section in sections:
        for text in (section.heading, section.body):
            _check(text)


def render(sections: Sequence[Section], data: Mapping[str, Any]) -> list[Section]:
    """Headings and bodies with everything in its place; a section without words is left out."""
    check(sections)
    given = {name: _plain(value) for name, value in data.items()}
    written = [Section(_fill(one.heading, given), _fill(one.body, given)) for one in sections]
    if sum(len(one.body) for one in written) > MOST_LETTERS:
        raise TemplateRefused(f"the agreement has more than {MOST_LETTERS} letters")
    return [one for one in written if one.body.strip()]


def _check(text: str) -> None:
    try:
        tree = _environment.parse(text)
    except TemplateError as error:
        raise TemplateRefused(f"it cannot be read: {error}") from error
    for node, depth, known in _walk(tree, 0, KNOWN):
        if not isinstance(node, _ALLOWED):
            raise TemplateRefused(f"{type(node).__name__} is not allowed in a template")
        if isinstance(node, nodes.For):
            _check_loop(node, depth)
        if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in known:
            raise TemplateRefused(f"“{node.name}” is not known; there are {sorted(KNOWN)}")
        if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
            raise TemplateRefused(f"“{node.attr}” is not for templates")


def _check_loop(node: nodes.For, depth: int) -> None:
    if depth >= _DEEPEST:
        raise TemplateRefused("loops are nested too deeply")
    if node.recursive or node.test or not isinstance(node.iter, nodes.Name | nodes.Getattr):
        raise TemplateRefused("a loop goes through a list of what was agreed, and nothing else")
    if not isinstance(node.target, nodes.Name):
        raise TemplateRefused("a loop has one name for what it goes through")


def _walk(
    node: nodes.Node, depth: int, known: frozenset[str]
) -> Iterator[tuple[nodes.Node, int, frozenset[str]]]:
    """Every node with the number of loops around it and the names that are known there."""
    yield node, depth, known
    inside = isinstance(node, nodes.For)
    if isinstance(node, nodes.For) and isinstance(node.target, nodes.Name):
        known |= {node.target.name}
    for child in node.iter_child_nodes():
        yield from _walk(child, depth + inside, known)


def _fill(text: str, given: Mapping[str, Any]) -> str:
    try:
        return _environment.from_string(text).render(given).strip()
    except TemplateError as error:
        raise TemplateRefused(f"it asks for what there is not: {error}") from error


def _plain(value: Any) -> Any:
    """Only words, lists and bare fields: nothing that has a method worth calling."""
    if isinstance(value, Mapping):
        return SimpleNamespace(**{str(name): _plain(one) for name, one in value.items()})
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool) else str(value)


STANDARD = (
    Section(
        "Who agrees",
        "{{ firm.name }} (“we”, the firm) and {% for one in parties %}{{ one.name }}"
        "{% if not one.last %}, {% endif %}{% endfor %} (“you”, the client) agree as follows.",
    ),
    Section("What we do for you", "{{ terms.scope }}"),
    Section(
        "What we do not do",
        "{% for one in terms.exclusions %}\n- {{ one }}\n{% endfor %}",
    ),
    Section(
        "When",
        "{% for one in terms.timeline %}\n- {{ one.what }}: {{ one.when }}\n{% endfor %}",
    ),
    Section("What we promise", "{% for one in terms.firm_will %}\n- {{ one }}\n{% endfor %}"),
    Section("What we need of you", "{% for one in terms.client_will %}\n- {{ one }}\n{% endfor %}"),
    Section(
        "How we stay in touch",
        "We reach each other by {{ terms.communication.channel }}.\n"
        "{% if terms.communication.acknowledge_within %}\n"
        "- We acknowledge your messages within {{ terms.communication.acknowledge_within }}.\n"
        "{% endif %}"
        "{% if terms.communication.respond_within %}\n"
        "- We answer within {{ terms.communication.respond_within }}, not counting weekends and"
        " holidays.\n{% endif %}"
        "{% if terms.communication.update_every %}\n"
        "- You hear from us at least every {{ terms.communication.update_every }}.\n{% endif %}",
    ),
    Section("If it cannot wait", "{{ terms.emergency }}"),
    Section(
        "What it costs",
        "{{ terms.fees.explanation }}\n"
        "{% for one in terms.fees.rates %}\n"
        "- {{ one.who }}: {{ one.amount }} {{ one.currency }} per {{ one.per }}\n{% endfor %}\n"
        "{% if terms.fees.expenses %}\n\n{{ terms.fees.expenses }}\n{% endif %}"
        "{% if terms.fees.invoiced_every %}\n\n"
        "You get an invoice every {{ terms.fees.invoiced_every }}.\n{% endif %}"
        "{% if terms.fees.late_penalty %}\n\n{{ terms.fees.late_penalty }}\n{% endif %}",
    ),
    Section("Further", "{% for one in terms.more %}\n- {{ one }}\n{% endfor %}"),
)

# Of every agreement with joint clients, whatever its template says: whoever signs has consented in
# writing to what it means (Model Rules 1.7, comments 29 to 33, and 1.8(g)).
JOINT_REPRESENTATION = Section(
    "Joint representation",
    "{% if joint_clients %}\n"
    "We represent you jointly in this matter: {% for one in joint_clients %}{{ one.name }}"
    "{% if not one.last %}, {% endif %}{% endfor %}. Each of you is a client of ours. It can save"
    " time and money, and it has risks. By signing each of you agrees to the following; you may ask"
    " a lawyer outside our firm about it first.\n\n"
    "- Your interests may come to differ. We know of no conflict between you that would stop us"
    " from acting for you all. We take nobody’s side against another of you.\n"
    "- There are no secrets between you in this matter. What one of you tells us, and whatever we"
    " learn that matters to it, the others may hear. Please tell us nothing about this matter that"
    " they must not know.\n"
    "- Towards everybody else it stays confidential. If you ever have a dispute with each other,"
    " what was said to us may have to be disclosed in it: between you it is probably not"
    " privileged.\n"
    "- Each of you is told, asked and answered on their own, and decides for themselves. We settle"
    " nothing for you together unless each of you consents, in a writing of their own, after we"
    " have told you all that is claimed and what each of you would give and get.\n"
    "- Bills go to {{ client.name }}; each of you may read them.\n"
    "- If you disagree about something that matters, tell us, and each of you may end our work for"
    " them at any time. If you cannot agree, we may have to stop acting for all of you, which can"
    " cost you time and money; we go on for one of you only where the law allows it and each of you"
    " agrees in writing.\n"
    "{% endif %}",
)
