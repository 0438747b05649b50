"""LEDES 1998B, written (ledes.org): ASCII, pipes between 24 fields, each record ended by `[]` and a
line break. There is no escape: what could end a field is replaced. Nothing is ever filled in."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from billing import money

FORMAT = "LEDES1998B"
COLUMNS = (
    "INVOICE_DATE", "INVOICE_NUMBER", "CLIENT_ID", "LAW_FIRM_MATTER_ID", "INVOICE_TOTAL",
    "BILLING_START_DATE", "BILLING_END_DATE", "INVOICE_DESCRIPTION", "LINE_ITEM_NUMBER",
    "EXP/FEE/INV_ADJ_TYPE", "LINE_ITEM_NUMBER_OF_UNITS", "LINE_ITEM_ADJUSTMENT_AMOUNT",
    "LINE_ITEM_TOTAL", "LINE_ITEM_DATE", "LINE_ITEM_TASK_CODE", "LINE_ITEM_EXPENSE_CODE",
    "LINE_ITEM_ACTIVITY_CODE", "TIMEKEEPER_ID", "LINE_ITEM_DESCRIPTION", "LAW_FIRM_ID",
    "LINE_ITEM_UNIT_COST", "TIMEKEEPER_NAME", "TIMEKEEPER_CLASSIFICATION", "CLIENT_MATTER_ID",
)  # fmt: skip
END = "[]\r\n"

CLASSIFICATIONS = {
    "partner": "PARTNR", "attorney": "ASSOC", "paralegal": "PARALG", "billing": "LGLAST",
    "compliance": "LGLAST", "operations": "LGLAST",
}  # fmt: skip
"""Of the 2014 list, by the roles of our directory; a profile may say otherwise."""

Id20 = Annotated[str, StringConstraints(max_length=20, pattern=r"^[\x20-\x7b\x7d\x7e]*$")]


class LedesProfile(BaseModel):
    """How one receiver wants its invoices; the defaults are the specification's."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    client_id: Id20
    law_firm_id: Id20
    client_matter_ids: dict[UUID, Id20] = {}
    matter_id_required: bool = True
    codes_required: bool = True
    description_limit: Annotated[int, Field(ge=100, le=15360)] = 15360
    flat_fee: Literal["units", "adjustment"] = "units"
    negative_units_refused: bool = True
    task_codes: Annotated[frozenset[str], Field(max_length=500)] | None = None
    classifications: dict[str, Annotated[str, StringConstraints(max_length=10)]] = CLASSIFICATIONS


@dataclass(frozen=True, kw_only=True)
class Timekeeper:
    id: str
    name: str
    classification: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """An item as it stands on the invoice; amounts are in minor units, tax included in none: 1998B
    has no field for tax, so an invoice with tax has a line of its own for it."""

    number: int
    kind: str
    units: Decimal
    unit_cost: int
    adjustment: int
    total: int
    worked_on: date
    narrative: str
    task_code: str | None = None
    activity_code: str | None = None
    expense_code: str | None = None
    timekeeper: Timekeeper | None = None
    fixed: bool = False


@dataclass(frozen=True, kw_only=True)
class Bill:
    """One invoice."""

    number: str
    issued_on: date
    period_from: date
    period_to: date
    currency: str
    total: int
    matter_number: str
    client_matter_id: str
    description: str
    lines: Sequence[Line]


def write(bills: Iterable[Bill], profile: LedesProfile) -> str:
    """The whole file, of one or more invoices."""
    records = [FORMAT, "|".join(COLUMNS)]
    for bill in bills:
        records += ["|".join(_record(bill, line, profile)) for line in bill.lines]
    return "".join(record + END for record in records)


def plain_text(words: str, limit: int) -> str:
    """ASCII without what ends a field or a record; letters keep their base, the rest becomes
    `?`."""
    ascii_only = words if words.isascii() else _folded(words)
    one_line = re.sub(r"\s+", " ", re.sub(r"[\x00-\x1f\x7f]", " ", ascii_only)).strip()
    return one_line.replace("|", "/").replace("[", "(").replace("]", ")")[:limit].rstrip()


def _folded(words: str) -> str:
    folded = unicodedata.normalize("NFKD", words.translate(_TYPOGRAPHIC))
    letters = "".join(one for one in folded if not unicodedata.combining(one))
    return letters.encode("ascii", "replace").decode()


_TYPOGRAPHIC: Mapping[int, str] = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "ß": "ss", "§": "s.",
     "€": "EUR", "£": "GBP", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ł": "l", "Ł": "L"}
)  # fmt: skip


def surname_first(name: str) -> str:
    """`Ada King Lovelace` → `Lovelace, Ada King`."""
    first, _, last = name.strip().rpartition(" ")
    return f"{last}, {first}" if first else last


def _record(bill: Bill, line: Line, profile: LedesProfile) -> list[str]:
    who = line.timekeeper
    units, unit_cost, adjustment = _counted(line, profile)
    fields = {
        "INVOICE_DATE": _day(bill.issued_on),
        "INVOICE_NUMBER": bill.number,
        "CLIENT_ID": profile.client_id,
        "LAW_FIRM_MATTER_ID": bill.matter_number,
        "INVOICE_TOTAL": money.plain(bill.total, bill.currency),
        "BILLING_START_DATE": _day(bill.period_from),
        "BILLING_END_DATE": _day(bill.period_to),
        "INVOICE_DESCRIPTION": plain_text(bill.description, profile.description_limit),
        "LINE_ITEM_NUMBER": str(line.number),
        "EXP/FEE/INV_ADJ_TYPE": "IF" if line.fixed else line.kind,
        "LINE_ITEM_NUMBER_OF_UNITS": units,
        "LINE_ITEM_ADJUSTMENT_AMOUNT": money.plain(adjustment, bill.currency),
        "LINE_ITEM_TOTAL": money.plain(line.total, bill.currency),
        "LINE_ITEM_DATE": _day(line.worked_on),
        "LINE_ITEM_TASK_CODE": line.task_code or "",
        "LINE_ITEM_EXPENSE_CODE": line.expense_code or "",
        "LINE_ITEM_ACTIVITY_CODE": line.activity_code or "",
        "TIMEKEEPER_ID": who.id if who else "",
        "LINE_ITEM_DESCRIPTION": plain_text(line.narrative, profile.description_limit),
        "LAW_FIRM_ID": profile.law_firm_id,
        "LINE_ITEM_UNIT_COST": "" if unit_cost is None else money.plain(unit_cost, bill.currency),
        "TIMEKEEPER_NAME": plain_text(surname_first(who.name), 30) if who else "",
        "TIMEKEEPER_CLASSIFICATION": who.classification if who else "",
        "CLIENT_MATTER_ID": bill.client_matter_id,
    }
    return [fields[name] for name in COLUMNS]


def _counted(line: Line, profile: LedesProfile) -> tuple[str, int | None, int]:
    """(units, unit cost, adjustment); adjustments of the whole invoice have neither units nor cost.
    A fixed fee is an IF: for one receiver a unit of its amount, for another an adjustment."""
    if line.kind in ("IF", "IE") or (line.fixed and profile.flat_fee == "adjustment"):
        return "", None, line.total
    return f"{line.units:.2f}", line.unit_cost, line.adjustment


def _day(day: date) -> str:
    return f"{day:%Y%m%d}"
