"""LEDES 1998B: read back by a reader that is not the writer's; every fault of the field refused."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import money
from billing.invoices import ledes, preflight
from billing.invoices.ledes import Bill, LedesProfile, Line, Timekeeper

PROFILE = LedesProfile(client_id="ACME", law_firm_id="98-7654321")
ADA = Timekeeper(id="7076d0e", name="Ada King Lovelace", classification="PARTNR")


def fee(number: int = 1, **changes: object) -> Line:
    facts: dict[str, object] = {
        "number": number,
        "kind": "F",
        "units": Decimal("1.1"),
        "unit_cost": 30000,
        "adjustment": 0,
        "total": 33000,
        "worked_on": date(2026, 3, 2),
        "narrative": "Drafted the assignment clause",
        "task_code": "L120",
        "activity_code": "A103",
        "timekeeper": ADA,
    }
    return Line(**(facts | changes))


def expense(number: int = 2, **changes: object) -> Line:
    return fee(
        number,
        **{
            "kind": "E", "units": Decimal(1), "unit_cost": 4000, "total": 4000, "task_code": None,
            "activity_code": None, "expense_code": "E112", "timekeeper": None,
            "narrative": "Filing fee", **changes,
        },
    )  # fmt: skip


def bill(*lines: Line, **changes: object) -> Bill:
    lines = lines or (fee(), expense())
    facts: dict[str, object] = {
        "number": "2026-00001",
        "issued_on": date(2026, 3, 31),
        "period_from": date(2026, 3, 1),
        "period_to": date(2026, 3, 31),
        "currency": "USD",
        "total": sum(one.total for one in lines),
        "matter_number": "2026-0012",
        "client_matter_id": "REAL-7",
        "description": "Tenancy of 12 Quay Street",
        "lines": lines,
    }
    return Bill(**(facts | changes))


def read(data: str) -> list[dict[str, str]]:
    """Character by character, as a receiver might: nothing of the writer's is used."""
    records: list[list[str]] = [[""]]
    at = 0
    while at < len(data):
        if data.startswith("[]", at):
            at += 2
            assert data[at : at + 1] in ("\r", "\n"), "a record ends its line"
            at += 2 if data.startswith("\r\n", at) else 1
            records.append([""])
        elif data[at] == "|":
            records[-1].append("")
            at += 1
        else:
            assert data[at] not in "\r\n", "no line break inside a record"
            records[-1][-1] += data[at]
            at += 1
    assert records.pop() == [""]
    assert records[0] == ["LEDES1998B"]
    names = records[1]
    assert len(names) == 24
    return [dict(zip(names, record, strict=True)) for record in records[2:]]


def test_what_is_written_is_read_back_by_another_reader() -> None:
    first, second = read(ledes.write([bill()], PROFILE))
    assert first["INVOICE_DATE"] == "20260331"
    assert first["INVOICE_TOTAL"] == second["INVOICE_TOTAL"] == "370.00"
    assert first["TIMEKEEPER_NAME"] == "Lovelace, Ada King"
    assert (first["LINE_ITEM_NUMBER_OF_UNITS"], first["LINE_ITEM_UNIT_COST"]) == ("1.10", "300.00")
    assert (second["EXP/FEE/INV_ADJ_TYPE"], second["LINE_ITEM_EXPENSE_CODE"]) == ("E", "E112")
    assert second["TIMEKEEPER_ID"] == second["LINE_ITEM_TASK_CODE"] == ""
    assert first["CLIENT_MATTER_ID"] == "REAL-7"


TEXTS = st.text(max_size=200)


@given(TEXTS, TEXTS, st.integers(min_value=0, max_value=10**9), st.integers(1, 144))
def test_no_text_breaks_a_record_and_no_amount_is_lost(
    narrative: str, title: str, rate: int, increments: int
) -> None:
    units = Decimal(increments) / 10
    total = (increments * rate * 2 + 10) // 20
    line = fee(units=units, unit_cost=rate, total=total, narrative=narrative or "x")
    text = ledes.write([bill(line, description=title)], PROFILE)
    (record,) = read(text)
    assert record["LINE_ITEM_TOTAL"] == money.plain(total, "USD")
    assert record["LINE_ITEM_DESCRIPTION"].isascii()
    codes = {one.code for one in preflight.check(text, PROFILE)}
    assert codes <= {"blank"}  # a narrative of nothing but spaces


def test_pipes_brackets_and_letters_of_others_are_replaced_not_quoted() -> None:
    words = "Lease | side letter [] “Straße” — 5 €\nsecond line\ttab 漢"
    assert ledes.plain_text(words, 200) == (
        'Lease / side letter () "Strasse" - 5 EUR second line tab ?'
    )
    assert ledes.plain_text("x" * 300, 100) == "x" * 100


def test_adjustments_and_fixed_fees_as_each_receiver_wants_them() -> None:
    less = fee(3, kind="IF", units=Decimal(0), unit_cost=0, adjustment=-1000, total=-1000,
               task_code=None, activity_code=None, timekeeper=None)  # fmt: skip
    flat = fee(4, units=Decimal(1), unit_cost=90000, total=90000, fixed=True, task_code=None,
               activity_code=None)  # fmt: skip
    for way, units, cost, adjustment in (
        ("units", "1.00", "900.00", "0.00"),
        ("adjustment", "", "", "900.00"),
    ):
        profile = PROFILE.model_copy(update={"flat_fee": way})
        text = ledes.write([bill(fee(), less, flat)], profile)
        _, discount, fixed = read(text)
        assert discount["EXP/FEE/INV_ADJ_TYPE"] == fixed["EXP/FEE/INV_ADJ_TYPE"] == "IF"
        assert (discount["LINE_ITEM_ADJUSTMENT_AMOUNT"], discount["LINE_ITEM_TOTAL"]) == (
            "-10.00",
            "-10.00",
        )
        assert fixed["LINE_ITEM_NUMBER_OF_UNITS"] == units
        assert (fixed["LINE_ITEM_UNIT_COST"], fixed["LINE_ITEM_ADJUSTMENT_AMOUNT"]) == (
            cost,
            adjustment,
        )
        assert preflight.check(text, profile) == []


def test_a_sound_file_has_no_finding_with_lines_of_either_kind_of_break() -> None:
    text = ledes.write([bill(), bill(number="2026-00002")], PROFILE)
    assert preflight.check(text, PROFILE) == []
    assert preflight.check(text.replace("\r\n", "\n"), PROFILE) == []


def field(name: str, value: str, record: int = 3) -> Callable[[str], str]:
    """That field of one record, replaced."""

    def change(text: str) -> str:
        lines = text.split("\r\n")
        fields = lines[record - 1].removesuffix("[]").split("|")
        fields[ledes.COLUMNS.index(name)] = value
        lines[record - 1] = "|".join(fields) + "[]"
        return "\r\n".join(lines)

    return change


def swap(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


FAULTS: list[tuple[str, Callable[[str], str]]] = [
    # Seen in public exporters.
    ("columns", swap("|CLIENT_MATTER_ID[]", "[]")),
    ("field-count", swap("|REAL-7[]", "[]")),
    ("record-end", swap("CLIENT_MATTER_ID[]", "CLIENT_MATTER_ID|")),
    ("format", swap("LEDES1998B[]", "LEDES1998BI V2[]")),
    ("number", field("LINE_ITEM_TOTAL", "330.00000000000006")),
    ("number", field("LINE_ITEM_TOTAL", "3.3e2")),
    ("filler-code", field("LINE_ITEM_TASK_CODE", "L999")),
    # The file.
    ("not-ascii", swap("Drafted", "Rédigé")),
    ("no-line-break", lambda text: text.removesuffix("\r\n")),
    ("blank-line", lambda text: text + "\r\n"),
    ("end-inside", swap("Drafted", "Drafted[]")),
    ("record-end", swap("Filing fee", "Filing\r\nfee")),
    ("field-count", swap("Filing fee", "Filing | fee")),
    ("columns", swap("INVOICE_DATE|INVOICE_NUMBER", "INVOICE_NUMBER|INVOICE_DATE")),
    ("empty", lambda text: "\r\n".join(text.split("\r\n")[:2]) + "\r\n"),
    # The fields.
    ("blank", field("INVOICE_NUMBER", "")),
    ("blank", field("LAW_FIRM_MATTER_ID", "")),
    ("blank", field("TIMEKEEPER_ID", "")),
    ("blank", field("LINE_ITEM_NUMBER_OF_UNITS", "")),
    ("blank", field("LINE_ITEM_DESCRIPTION", " ")),
    ("date", field("LINE_ITEM_DATE", "2026-03-02")),
    ("date", field("INVOICE_DATE", "20260231")),
    ("number", field("LINE_ITEM_UNIT_COST", "$300.00")),
    ("number", field("LINE_ITEM_UNIT_COST", "1,300.00")),
    ("number", field("LINE_ITEM_NUMBER_OF_UNITS", "+1.1")),
    ("number", field("LINE_ITEM_TOTAL", "330.00001")),
    ("number", field("INVOICE_TOTAL", "1" * 13)),
    ("too-long", field("CLIENT_ID", "X" * 21)),
    ("too-long", field("TIMEKEEPER_NAME", "X" * 31)),
    ("too-long", field("TIMEKEEPER_CLASSIFICATION", "X" * 11)),
    ("too-long", field("LINE_ITEM_DESCRIPTION", "x" * 15361)),
    ("type", field("EXP/FEE/INV_ADJ_TYPE", "FEE")),
    ("negative-units", field("LINE_ITEM_NUMBER_OF_UNITS", "-1.1")),
    ("expense-code-on-fee", field("LINE_ITEM_EXPENSE_CODE", "E112")),
    ("fee-code-on-expense", field("LINE_ITEM_TASK_CODE", "L120", record=4)),
    ("code-missing", field("LINE_ITEM_ACTIVITY_CODE", "")),
    ("code-missing", field("LINE_ITEM_EXPENSE_CODE", "", record=4)),
    ("unknown-code", field("LINE_ITEM_TASK_CODE", "L121")),
    ("unknown-code", field("LINE_ITEM_ACTIVITY_CODE", "A112")),
    ("client-id", field("CLIENT_ID", "ACM")),
    ("law-firm-id", field("LAW_FIRM_ID", "98-7654322")),
    ("classification", field("TIMEKEEPER_CLASSIFICATION", "BOSS")),
    # The sums.
    ("line-math", field("LINE_ITEM_UNIT_COST", "300.10")),
    ("line-math", field("LINE_ITEM_ADJUSTMENT_AMOUNT", "-0.01")),
    ("invoice-total", field("LINE_ITEM_TOTAL", "330.01")),
    ("differs", field("INVOICE_TOTAL", "370.01", record=4)),
    ("differs", field("INVOICE_DATE", "20260330", record=4)),
    ("differs", field("CLIENT_ID", "OTHER", record=4)),
    ("line-number-twice", field("LINE_ITEM_NUMBER", "1", record=4)),
]


@pytest.mark.parametrize(("code", "spoil"), FAULTS, ids=range(len(FAULTS)))
def test_each_fault_that_receivers_refuse_is_found(code: str, spoil: Callable[[str], str]) -> None:
    text = ledes.write([bill()], PROFILE)
    spoilt = spoil(text)
    assert spoilt != text
    assert code in {one.code for one in preflight.check(spoilt, PROFILE)}


def test_receivers_disagree_and_a_profile_says_how() -> None:
    long = bill(fee(narrative="x" * 2000))
    brightflag = PROFILE.model_copy(update={"description_limit": 1024})
    assert preflight.check(ledes.write([long], brightflag), brightflag) == []
    assert len(read(ledes.write([long], brightflag))[0]["LINE_ITEM_DESCRIPTION"]) == 1024
    codeless = bill(fee(task_code=None, activity_code=None))
    free = PROFILE.model_copy(update={"codes_required": False, "matter_id_required": False})
    text = field("LAW_FIRM_MATTER_ID", "")(ledes.write([codeless], free))
    assert preflight.check(text, free) == []
    assert {one.code for one in preflight.check(text, PROFILE)} == {"blank", "code-missing"}
    own = PROFILE.model_copy(update={"task_codes": frozenset({"X-1"})})
    assert preflight.check(ledes.write([bill(fee(task_code="X-1"))], own), own) == []


def test_a_negative_line_is_shown_where_units_may_be_negative() -> None:
    profile = PROFILE.model_copy(update={"negative_units_refused": False})
    line = fee(units=Decimal("-1.1"), total=-33000)
    assert preflight.check(ledes.write([bill(line)], profile), profile) == []
