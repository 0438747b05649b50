"""The books balance by constraint, trust is never below zero, and a tool of others agrees."""

import asyncio
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from billing import money
from billing.ledger import actions, export, queries, rules
from billing.ledger.actions import TrustTooLow
from billing.ledger.rules import Billed, Kind
from shared.contracts import FIRM_ID
from shared.contracts.billing import LedgerPosted, Posting
from shared.ids import new_id
from support.bills import Bills

DAY = date(2026, 3, 2)


async def post(
    bills: Bills, kind: Kind, postings: list[Posting], matter: UUID, *, currency: str = "USD",
    day: date = DAY, client: UUID = FIRM_ID,
) -> None:  # fmt: skip
    async with bills.runtime.db.transaction() as session:
        await actions.post(
            session,
            kind,
            postings,
            client_id=client,
            matter_id=matter,
            currency=currency,
            occurred_on=day,
            cause_id=new_id(),
            by=FIRM_ID,
        )


async def balance(bills: Bills, matter: UUID, book: rules.Book, account: str) -> int:
    async with bills.runtime.db.transaction() as session:
        return await queries.balance(session, matter, book, account, "USD")


async def test_a_posting_that_does_not_balance_is_refused_at_the_end_of_its_transaction(
    bills: Bills,
) -> None:
    matter = new_id()
    for wrong in (
        [Posting(book="operating", account="bank", amount=5)],
        [*rules.paid(5), Posting(book="operating", account="bank", amount=1)],
        [Posting(book="trust", account="bank", amount=5),
         Posting(book="operating", account="receivable", amount=-5)],
    ):  # fmt: skip
        with pytest.raises(IntegrityError, match="do not balance"):
            await post(bills, "payment", wrong, matter)
    assert await bills.rows("SELECT * FROM postings") == []
    assert await bills.told(LedgerPosted) == []


async def test_what_was_posted_is_never_edited_nor_added_to(bills: Bills) -> None:
    await post(bills, "payment", rules.paid(5), new_id())
    for change in (
        "UPDATE postings SET amount = 6",
        "DELETE FROM postings",
        "TRUNCATE postings",
        "UPDATE ledger_transactions SET kind = 'x'",
        "UPDATE balances SET balance = 0",
        "INSERT INTO balances SELECT * FROM balances",
    ):
        with pytest.raises(DBAPIError, match=r"written once|permission denied"):
            await bills.rows(f"WITH changed AS ({change} RETURNING 1) SELECT * FROM changed"
                             if "TRUNCATE" not in change else change)  # fmt: skip
    with pytest.raises(IntegrityError, match="do not balance"):
        await bills.rows("""
            INSERT INTO postings (transaction_id, book, account, client_id, matter_id, currency,
                                  occurred_on, amount, balance)
            SELECT transaction_id, book, account, client_id, matter_id, currency, occurred_on, 7, 0
            FROM postings LIMIT 1 RETURNING posting_id
        """)


async def test_of_two_who_take_the_last_money_in_trust_one_gets_it(bills: Bills) -> None:
    matter, other = new_id(), new_id()
    await post(bills, "trust_deposit", rules.deposited(100), matter)
    await post(bills, "trust_deposit", rules.deposited(900), other)
    results = await asyncio.gather(
        *(post(bills, "trust_application", rules.applied(60), matter) for _ in range(2)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in results) == ["NoneType", "TrustTooLow"]
    assert await balance(bills, matter, "trust", "clients") == -40
    assert await balance(bills, other, "trust", "clients") == -900
    with pytest.raises(TrustTooLow):
        await post(bills, "trust_refund", rules.refunded(41), matter)


async def test_a_balance_is_one_look_into_an_index_now_and_after_any_posting(
    bills: Bills,
) -> None:
    matter = new_id()
    for amount in (100, 20, 3):
        await post(bills, "payment", rules.paid(amount), matter)
    assert await balance(bills, matter, "operating", "bank") == 123
    carried = await bills.rows(
        "SELECT balance FROM postings WHERE account = 'bank' ORDER BY posting_id"
    )
    assert [row.balance for row in carried] == [100, 120, 123]
    async with bills.runtime.db.transaction() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await session.execute(
            text("EXPLAIN SELECT balance FROM balances WHERE matter_id = :m AND book = 'operating'"
                 " AND account = 'bank' AND currency = 'USD'"), {"m": matter}
        )  # fmt: skip
        assert "Index" in " ".join(plan.scalars())


async def test_a_cause_is_booked_once(bills: Bills) -> None:
    cause, matter = new_id(), new_id()

    async def book() -> None:
        async with bills.runtime.db.transaction() as session:
            await actions.post(
                session, "payment", rules.paid(5), client_id=FIRM_ID, matter_id=matter,
                currency="USD", occurred_on=DAY, cause_id=cause, by=FIRM_ID,
            )  # fmt: skip

    await book()
    with pytest.raises(IntegrityError):
        await book()
    assert await balance(bills, matter, "operating", "bank") == 5


def bean_check(folder: Path, books: str) -> subprocess.CompletedProcess[str]:
    """Beancount as a program of its own; nothing of it is imported."""
    file = folder / "books.beancount"
    file.write_text(books)
    checker = Path(sys.executable).parent / "bean-check"
    return subprocess.run([checker, file], capture_output=True, text=True)


@pytest.mark.parametrize("seed", range(3))
async def test_random_histories_keep_every_balance_and_bean_check_accepts_them(
    bills: Bills, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    matters = [new_id() for _ in range(4)]
    expected: dict[tuple[UUID, str, str, str], int] = {}
    trust: dict[tuple[UUID, str], int] = {}
    for step in range(120):
        matter, currency = random.choice(matters), random.choice(["USD", "JPY", "KWD"])
        kind, postings = _something(random)
        day = DAY + timedelta(days=step)
        if random.random() < 0.2:  # a correction: the opposite is posted, nothing is edited
            postings = [one.model_copy(update={"amount": -one.amount}) for one in postings]
        change = {
            key: sum(one.amount for one in postings if (one.book, one.account) == key)
            for key in {(one.book, one.account) for one in postings}
        }
        after = {
            account: trust.get((matter, currency + account), 0) + change.get(("trust", account), 0)
            for account in ("clients", "disputed")
        }
        overdrawn = any(value > 0 for value in after.values())
        if overdrawn:
            with pytest.raises(TrustTooLow):
                await post(bills, kind, postings, matter, currency=currency, day=day)
            continue
        await post(bills, kind, postings, matter, currency=currency, day=day)
        trust |= {(matter, currency + account): value for account, value in after.items()}
        for (book, account), amount in change.items():
            key = (matter, book, account, currency)
            expected[key] = expected.get(key, 0) + amount
    found = await bills.rows("SELECT matter_id, book, account, currency, balance FROM balances")
    assert {tuple(row[:4]): row.balance for row in found} == expected
    async with bills.runtime.db.transaction() as session:
        books = await export.books(session)
    checked = bean_check(tmp_path, books)
    assert (checked.returncode, checked.stderr + checked.stdout) == (0, "")
    assert len(await bills.told(LedgerPosted)) == books.count(" * ")


def _something(random: Random) -> tuple[Kind, list[Posting]]:
    amount = random.randint(1, 10**6)
    fees, expenses, tax = money.split(amount, [5, 3, 2]) if amount > 3 else (amount, 0, 0)
    billed = Billed(fees, expenses, tax)
    chosen: tuple[Kind, list[Posting]] = random.choice(
        [
            ("invoice", rules.invoiced(billed)),
            ("credit_note", rules.credited(billed)),
            ("payment", rules.paid(amount)),
            ("payment_reversal", rules.payment_returned(amount)),
            ("late_penalty", rules.penalised(amount)),
            ("trust_deposit", rules.deposited(amount)),
            ("trust_deposit", rules.deposited(amount)),
            ("trust_application", rules.applied(amount // 2 + 1)),
            ("trust_refund", rules.refunded(amount)),
            ("trust_dispute", rules.set_apart(amount)),
            ("trust_release", rules.given_back(amount)),
        ]
    )
    return chosen


def test_bean_check_would_find_a_cent_too_much(tmp_path: Path) -> None:
    books = (
        "2026-01-01 open Assets:Trust:Bank\n2026-01-01 open Liabilities:Trust:Clients\n"
        '2026-01-02 * "x"\n  Assets:Trust:Bank  1.00 USD\n  Liabilities:Trust:Clients  -1.01 USD\n'
    )
    assert bean_check(tmp_path, books).returncode != 0


async def test_the_export_is_the_firms_own_and_names_nobody(bills: Bills) -> None:
    matter = await bills.matter()
    await post(bills, "payment", rules.paid(5), matter.id, client=matter.client_id)
    answer = await bills.call("GET", "/v1/ledger/export", role="billing")
    assert answer.text.count("open") == 2
    assert "cleo" not in answer.text.lower()
    for role, claims in (("attorney", {}), ("client", {"client_id": str(matter.client_id)})):
        refused = await bills.call("GET", "/v1/ledger/export", role=role, **claims)
        assert refused.status_code == 403
    own = {"role": "client", "client_id": str(matter.client_id)}
    balances = await bills.got(f"/v1/ledger/balances?client_id={matter.client_id}", **own)
    assert [one["account"] for one in balances] == ["bank", "receivable"]
    listed = await bills.got(f"/v1/ledger/transactions?matter_id={matter.id}", **own)
    assert [len(one["postings"]) for one in listed["items"]] == [2]
