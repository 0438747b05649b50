"""One history: what left the building cannot be taken back, and a key changes without a break."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from audit.app import create_app
from audit.checkpoints import BadNote, open_checkpoint, signer_of
from audit.copies import Contradicted, Copies
from audit.log import NotOurPast
from privity.verify import Report, verify
from support.platform import Platform
from support.record import Record, arrival, arrivals, record_in, serving
from support.running import running
from support.waiting import eventually


def copies_in(folder: Path) -> dict[str, Any]:
    return {"audit_checkpoint_copies": [f"file://{folder}"]}


def kept(folder: Path) -> dict[int, str]:
    found = sorted((folder / "checkpoints").iterdir())
    return {int(one.name): one.read_text() for one in found}


async def as_it_was(record: Record, size: int) -> None:
    """The database of a backup that was made at this size."""
    await record.as_superuser(
        f"DELETE FROM readings WHERE index >= {size}",
        f"DELETE FROM entries WHERE index >= {size}",
        f"DELETE FROM subtrees WHERE size > {size}",
        f"DELETE FROM checkpoints WHERE size > {size}",
        f"UPDATE stream_heads SET contiguous = {size}, head = {size}",
    )


async def test_checkpoints_leave_the_building_each_under_its_size(
    platform: Platform, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    async with record_in(platform, tmp_path, **copies_in(store)) as record:
        for last in (3, 5):
            await record.append(arrivals(1, last))
            await record.log.copy(record.db)
            await record.log.copy(record.db)
        notes = await record.rows("SELECT size, note FROM checkpoints WHERE size > 0")
        assert kept(store) == {row.size: row.note for row in notes}
        await record.another().open(record.db)


async def test_a_backup_brought_back_with_its_checkpoint_file_is_still_not_continued_from(
    platform: Platform, tmp_path: Path
) -> None:
    """Database and file restored together agree; only what left the building knows better."""
    async with record_in(platform, tmp_path, **copies_in(tmp_path / "store")) as record:
        await record.append(arrivals(1, 3))
        file = record.settings.audit_checkpoint_file
        backup = file.read_text()
        await record.append(arrivals(4, 6))
        await record.log.copy(record.db)
        await as_it_was(record, 3)
        file.write_text(backup)
        with pytest.raises(NotOurPast, match="has 3 entries and signed for 6"):
            await record.append([arrival(4)], record.another())
        assert not await record.rows("SELECT 1 FROM entries WHERE index >= 3")


async def test_an_emptied_database_and_file_are_not_begun_again(
    platform: Platform, tmp_path: Path
) -> None:
    async with record_in(platform, tmp_path, **copies_in(tmp_path / "store")) as record:
        await record.append(arrivals(1, 3))
        await record.log.copy(record.db)
        await record.as_superuser(
            "TRUNCATE entries, readings, subtrees, cosignatures, checkpoints, stream_heads"
        )
        record.settings.audit_checkpoint_file.unlink()
        with pytest.raises(NotOurPast, match="was begun"):
            await record.another().open(record.db)


async def test_a_second_history_of_one_size_closes_the_log(
    platform: Platform, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    async with record_in(platform, tmp_path, **copies_in(store)) as record:
        await record.append(arrivals(1, 3))
        other = record.log.signer.sign("record.test/log\n3\n" + "A" * 43 + "=\n")
        (store / "checkpoints").mkdir(parents=True)
        (store / "checkpoints" / f"{3:020}").write_text(other)
        with pytest.raises(NotOurPast, match="another note of the same size"):
            await record.log.copy(record.db)
        assert "read-only" in (record.log.problem or "")
        with pytest.raises(NotOurPast):
            await record.append([arrival(4)])


async def test_a_store_that_does_not_answer_is_said_and_holds_up_nothing(
    platform: Platform, prefix: str, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    settings = copies_in(store) | {"audit_copies_every": 0.1, "prefix": prefix}
    async with (
        record_in(platform, tmp_path, **settings) as record,
        running(create_app, record.settings) as service,
    ):

        async def ready() -> int:
            return (await service.http.get("/readyz")).status_code

        await eventually(ready, lambda status: status == 200)
        await record.append(arrivals(1, 2))
        shutil.rmtree(store)
        store.write_text("no folder any more")
        await record.append([arrival(3)])
        await eventually(ready, lambda status: status == 503)
        assert "copied" in (await service.http.get("/readyz")).text
        store.unlink()
        await eventually(ready, lambda status: status == 200)
        assert kept(store)


async def test_one_note_is_compared_and_never_written_over(tmp_path: Path) -> None:
    signer = signer_of("record.test/log", os.urandom(32))
    copies = Copies.at([f"file://{tmp_path}/one", f"file://{tmp_path}/two"])
    note = signer.sign("record.test/log\n3\n" + "A" * 43 + "=\n")
    head = signer.open(note)
    await copies.keep(head, note)
    await copies.keep(head, note)
    with pytest.raises(Contradicted):
        await copies.keep(head, signer.sign("record.test/log\n3\n" + "B" * 42 + "A=\n"))
    assert await copies.newest(signer, 2) == [head, head]
    assert await copies.newest(signer, 3) == []


# A key is changed: first both sign, then the new one alone.


async def test_a_key_changes_while_both_sign_and_nobody_who_follows_loses_the_log(
    platform: Platform, tmp_path: Path
) -> None:
    old, new = tmp_path / "signing-key", tmp_path / "new-key"
    new.write_bytes(os.urandom(32))
    async with record_in(platform, tmp_path) as record:
        await record.append(arrivals(1, 3))
        old_key = record.log.signer.verifier
        assert (await seen(record, old_key, tmp_path)).ok
        url = record.settings.database_url
    both = {"audit_signing_key_file": new, "audit_previous_key_files": [old]}
    async with record_in(platform, tmp_path, audit_database_url=url, **both) as record:
        new_key = record.log.signer.verifier
        assert new_key != old_key
        await record.append(arrivals(4, 6))
        for key in (old_key, new_key, new_key):
            report = await seen(record, key, tmp_path)
            assert report.ok, report.doubts
    async with record_in(
        platform, tmp_path, audit_database_url=url, audit_signing_key_file=new
    ) as record:
        await record.append(arrivals(7, 9))
        note = record.settings.audit_checkpoint_file.read_text()
        with pytest.raises(BadNote):
            open_checkpoint(note, old_key, record.log.signer.name)
        report = await seen(record, new_key, tmp_path)
        assert report.ok, report.doubts
        assert "The 6 entries seen before are all still there, unchanged." in report.proved
        late = await seen(record, old_key, tmp_path)
        assert not late.ok


async def seen(record: Record, key: str, folder: Path) -> Report:
    async with serving(record.settings) as address:
        log = f"{address}/v1/record/log"
        return await asyncio.to_thread(verify, log, key=key, state=folder / "seen")


async def test_a_key_that_is_no_previous_one_still_closes_the_log(
    platform: Platform, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger"
    stranger.write_bytes(os.urandom(32))
    async with record_in(platform, tmp_path) as record:
        await record.append(arrivals(1, 3))
        url = record.settings.database_url
    changed = {"audit_database_url": url, "audit_signing_key_file": stranger}
    async with record_in(platform, tmp_path, **changed) as record:
        with pytest.raises(NotOurPast):
            await record.log.open(record.db)
