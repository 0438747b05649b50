"""The checks that receivers of LEDES 1998B make, made before sending: on the very text, by a parser
that knows nothing of how it was written. A file without findings is one that no check here
refuses."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from billing import utbms
from billing.invoices.ledes import COLUMNS, FORMAT, LedesProfile

NUMBER = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,4})?")
TOTAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,4})?")
KINDS = {"F", "E", "IF", "IE"}
LIMITS = {
    "INVOICE_NUMBER": 20, "CLIENT_ID": 20, "LAW_FIRM_MATTER_ID": 20, "LINE_ITEM_NUMBER": 20,
    "TIMEKEEPER_ID": 20, "LAW_FIRM_ID": 20, "CLIENT_MATTER_ID": 20, "TIMEKEEPER_NAME": 30,
    "TIMEKEEPER_CLASSIFICATION": 10, "LINE_ITEM_TASK_CODE": 20, "LINE_ITEM_ACTIVITY_CODE": 20,
    "LINE_ITEM_EXPENSE_CODE": 20,
}  # fmt: skip
ALWAYS = (
    "INVOICE_DATE", "INVOICE_NUMBER", "CLIENT_ID", "INVOICE_TOTAL", "BILLING_START_DATE",
    "BILLING_END_DATE", "LINE_ITEM_NUMBER", "EXP/FEE/INV_ADJ_TYPE", "LINE_ITEM_TOTAL",
    "LINE_ITEM_DATE", "LINE_ITEM_DESCRIPTION", "LAW_FIRM_ID",
)  # fmt: skip
COUNTED = ("LINE_ITEM_NUMBER_OF_UNITS", "LINE_ITEM_UNIT_COST")
TIMEKEEPER = ("TIMEKEEPER_ID", "TIMEKEEPER_NAME", "TIMEKEEPER_CLASSIFICATION")
FILLERS = {"L999", "A999", "E999", "L000", "A000", "E000", "XXXX", "NONE", "N/A"}


class Finding(NamedTuple):
    """What a receiver would refuse: a stable code, the record (1 is the first line) and why."""

    code: str
    record: int
    detail: str


@dataclass(frozen=True)
class Record:
    """A line item with its fields by name."""

    number: int
    fields: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.fields[name]


def check(text: str, profile: LedesProfile) -> list[Finding]:
    """Everything that is wrong, in the order of the file. Where the shape is broken, only that."""
    shape = list(_shape(text))
    if shape:
        return shape
    records = [
        Record(number, dict(zip(COLUMNS, body.split("|"), strict=True)))
        for number, body in enumerate(_bodies(text), start=1)
        if number > 2
    ]
    found = [finding for one in records for finding in _record(one, profile)]
    return found + list(_invoices(records))


def _shape(text: str) -> Iterator[Finding]:
    """The file as a whole: its letters, its two header lines, the end of each record."""
    if not text.isascii():
        yield Finding("not-ascii", 0, "only ASCII may be sent")
    lines = text.split("\n")
    if lines[-1] != "":
        yield Finding("no-line-break", len(lines), "the last record has no line break after []")
    for number, line in enumerate(lines[:-1], start=1):
        yield from _line(number, line.removesuffix("\r"))
    if len(lines) < 4:
        yield Finding("empty", 0, "there is no line item")


def _line(number: int, line: str) -> Iterator[Finding]:
    body = line.removesuffix("[]")
    if line.strip() == "":
        yield Finding("blank-line", number, "blank lines are not records")
    elif not line.endswith("[]"):
        yield Finding("record-end", number, "a record ends with []")
    elif "[]" in body or "\r" in body:
        yield Finding("end-inside", number, "text holds what ends a record")
    elif number == 1 and body != FORMAT:
        yield Finding("format", number, f"the first line is {FORMAT}[]")
    elif number == 2 and body != "|".join(COLUMNS):
        yield Finding("columns", number, "the second line names the 24 columns in their order")
    elif number > 2 and body.count("|") != len(COLUMNS) - 1:
        yield Finding("field-count", number, f"{body.count('|') + 1} fields instead of 24")


def _bodies(text: str) -> list[str]:
    return [line.removesuffix("\r").removesuffix("[]") for line in text.split("\n")[:-1]]


def _record(one: Record, profile: LedesProfile) -> Iterator[Finding]:
    problems = [problem for rule in RULES for problem in rule(one, profile)]
    for code, detail in problems:
        yield Finding(code, one.number, detail)
    if not problems:
        yield from _arithmetic(one)


Problem = tuple[str, str]


def _required(one: Record, profile: LedesProfile) -> Iterator[Problem]:
    kind = one["EXP/FEE/INV_ADJ_TYPE"]
    names = [*ALWAYS]
    names += COUNTED if kind in ("F", "E") else []
    names += TIMEKEEPER if kind == "F" else []
    names += ["LAW_FIRM_MATTER_ID"] if profile.matter_id_required else []
    for name in names:
        if not one[name].strip():
            yield "blank", f"{name} is blank"


def _formats(one: Record, profile: LedesProfile) -> Iterator[Problem]:
    for name in ("INVOICE_DATE", "BILLING_START_DATE", "BILLING_END_DATE", "LINE_ITEM_DATE"):
        if one[name] and not _is_day(one[name]):
            yield "date", f"{name} is not a day as YYYYMMDD"
    for name in (*COUNTED, "LINE_ITEM_ADJUSTMENT_AMOUNT", "LINE_ITEM_TOTAL"):
        if one[name] and not NUMBER.fullmatch(one[name]):
            yield "number", f"{name} is not digits with one point (10.4)"
    if not TOTAL.fullmatch(one["INVOICE_TOTAL"]):
        yield "number", "INVOICE_TOTAL is not digits with one point (12.4)"
    for name, limit in LIMITS.items():
        if len(one[name]) > limit:
            yield "too-long", f"{name} has more than {limit} characters"
    for name in ("INVOICE_DESCRIPTION", "LINE_ITEM_DESCRIPTION"):
        if len(one[name]) > profile.description_limit:
            yield "too-long", f"{name} has more than {profile.description_limit} characters"


def _kinds(one: Record, profile: LedesProfile) -> Iterator[Problem]:
    kind = one["EXP/FEE/INV_ADJ_TYPE"]
    if kind not in KINDS:
        yield "type", f"{kind!r} is not F, E, IF or IE"
    counted = any(_number(one[name]) and Decimal(one[name]) for name in COUNTED)
    if counted and (kind == "IE" or (kind == "IF" and profile.flat_fee == "adjustment")):
        yield "adjustment-units", "this receiver wants adjustments without units and unit cost"
    units = one["LINE_ITEM_NUMBER_OF_UNITS"]
    if profile.negative_units_refused and units.startswith("-"):
        yield "negative-units", "units are not negative"


def _codes(one: Record, profile: LedesProfile) -> Iterator[Problem]:
    kind, task = one["EXP/FEE/INV_ADJ_TYPE"], one["LINE_ITEM_TASK_CODE"]
    activity, expense = one["LINE_ITEM_ACTIVITY_CODE"], one["LINE_ITEM_EXPENSE_CODE"]
    for code in (task, activity, expense):
        if code.upper() in FILLERS:
            yield "filler-code", f"{code} stands for nothing"
    if kind == "F" and expense:
        yield "expense-code-on-fee", "a fee has a task and an activity, no expense code"
    if kind == "E" and (task or activity):
        yield "fee-code-on-expense", "an expense has an expense code only"
    if profile.codes_required:
        missing = {"F": not (task and activity), "E": not expense}.get(kind, False)
        if missing:
            yield "code-missing", "this receiver wants UTBMS codes: choose them"
    yield from _known_codes(task, activity, expense, profile)


def _known_codes(
    task: str, activity: str, expense: str, profile: LedesProfile
) -> Iterator[Problem]:
    known = task in profile.task_codes if profile.task_codes is not None else utbms.is_task(task)
    if task and not known:
        yield "unknown-code", f"{task} is not a task code that this receiver knows"
    if activity and activity not in utbms.ACTIVITIES:
        yield "unknown-code", f"{activity} is not an activity code"
    if expense and expense not in utbms.EXPENSES:
        yield "unknown-code", f"{expense} is not an expense code"


def _profile(one: Record, profile: LedesProfile) -> Iterator[Problem]:
    if one["CLIENT_ID"] != profile.client_id:
        yield "client-id", f"CLIENT_ID is not {profile.client_id}"
    if one["LAW_FIRM_ID"] != profile.law_firm_id:
        yield "law-firm-id", f"LAW_FIRM_ID is not {profile.law_firm_id}"
    rank = one["TIMEKEEPER_CLASSIFICATION"]
    if rank and rank not in profile.classifications.values():
        yield "classification", f"{rank} is not a classification that this receiver knows"


RULES: tuple[Callable[[Record, LedesProfile], Iterator[Problem]], ...] = (
    _required, _formats, _kinds, _codes, _profile,
)  # fmt: skip


def _arithmetic(one: Record) -> Iterator[Finding]:
    units, cost, adjustment, total = (
        Decimal(one[name] or 0)
        for name in (*COUNTED, "LINE_ITEM_ADJUSTMENT_AMOUNT", "LINE_ITEM_TOTAL")
    )
    counted = (units * cost).quantize(_digits(total), ROUND_HALF_UP) + adjustment
    if counted != total:
        yield Finding("line-math", one.number, f"{units} × {cost} + {adjustment} is not {total}")


def _invoices(records: list[Record]) -> Iterator[Finding]:
    """Each invoice as a whole: one date, one total on every record, and it is the lines' sum."""
    by_number: dict[str, list[Record]] = {}
    for one in records:
        by_number.setdefault(one["INVOICE_NUMBER"], []).append(one)
    for number, lines in by_number.items():
        first = lines[0]
        for name in ("INVOICE_DATE", "CLIENT_ID", "INVOICE_TOTAL", "LAW_FIRM_MATTER_ID"):
            for one in lines:
                if one[name] != first[name]:
                    yield Finding("differs", one.number, f"{name} is not that of {number}'s first")
        seen: set[str] = set()
        for one in lines:
            if one["LINE_ITEM_NUMBER"] in seen:
                yield Finding("line-number-twice", one.number, "each line has its own number")
            seen.add(one["LINE_ITEM_NUMBER"])
        yield from _sum(first, lines)


def _sum(first: Record, lines: list[Record]) -> Iterator[Finding]:
    if not all(_number(one["LINE_ITEM_TOTAL"]) for one in lines) or not _number(
        first["INVOICE_TOTAL"]
    ):
        return
    counted = sum((Decimal(one["LINE_ITEM_TOTAL"]) for one in lines), Decimal(0))
    if counted != Decimal(first["INVOICE_TOTAL"]):
        yield Finding("invoice-total", first.number, f"the lines come to {counted}")


def _is_day(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{8}", text):
        return False
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def _number(text: str) -> bool:
    return TOTAL.fullmatch(text) is not None


def _digits(total: Decimal) -> Decimal:
    """The digits that the total is given in: what a product is rounded to."""
    return Decimal(1).scaleb(int(total.as_tuple().exponent))
