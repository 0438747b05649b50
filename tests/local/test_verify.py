"""The verifier against a log on a plain web server: a sound one is proved, and every way of
tampering, by one without the key and by one who has it, is found."""

import base64
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import UUID

import pytest

from audit import entries, merkle
from audit.checkpoints import Checkpoint, Signer, signer_of
from audit.tiles import Tile, bundle, width_in
from privity.verify import Report, verify
from privity.verify.entries import _parse_members, parse_entry

ORIGIN = "firm.example/record"
START = datetime(2026, 7, 10, 20, 30, tzinfo=UTC)
Entries = list[bytes]


@dataclass
class Site:
    """A log as files on a web server; `files` is what a tamperer changes."""

    address: str
    signer: Signer
    files: dict[str, bytes] = field(default_factory=dict)

    def publish(self, leaves: Entries) -> None:
        self.files.clear()
        self.files.update(published(leaves, self.signer))

    def check(self, state: Path | None = None) -> Report:
        return verify(self.address, key=self.signer.verifier, state=state)


def new_signer(name: str) -> Signer:
    return signer_of(name, random.randbytes(32))


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, dict[str, bytes]]]:
    files: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # head and body in one segment, or each answer waits 40 ms for an ACK

        def do_GET(self) -> None:
            body = files.get(self.path.removeprefix("/log/"))
            self.send_response(404 if body is None else 200)
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.daemon_threads = True
        Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}/log", files
        httpd.shutdown()


@pytest.fixture
def site(server: tuple[str, dict[str, bytes]]) -> Site:
    address, files = server
    made = Site(address, new_signer(ORIGIN), files)
    made.publish(log_of(600))
    return made


def entry(index: int, **changed: object) -> bytes:
    """Leaf `index` of a firm with two services of three streams each, round robin."""
    where = {
        "event_id": UUID(int=index + 1),
        "service": ("matters", "messaging")[index % 2],
        "partition": index % 3,
        "epoch": 1,
        "sequence": index // 6 + 1,
        **changed,
    }
    return entries.public_entry(
        entries.Coordinates(**where),  # type: ignore[arg-type]
        recorded_at=entries.timestamp(START + timedelta(seconds=index)),
        value_sha256=sha256(b"value %d" % index).digest(),
        meta=bytes(32),
    )


def log_of(size: int) -> Entries:
    return [entry(index) for index in range(size)]


def published(leaves: Entries, signer: Signer) -> dict[str, bytes]:
    """Every file of the log at its one size."""
    hashes = merkle.extend(0, {}, [merkle.leaf_hash(leaf) for leaf in leaves])
    head = Checkpoint(signer.name, len(leaves), merkle.root(len(leaves), hashes))
    files = {"checkpoint": signer.sign(head.text).encode()}
    for level in (None, 0, 1, 2):
        index = 0
        while width := width_in(Tile(level, index), len(leaves)):
            tile = Tile(level, index, width)
            files[tile.path] = content(tile, leaves, hashes)
            index += 1
    return files


def content(tile: Tile, leaves: Entries, hashes: dict[merkle.Node, bytes]) -> bytes:
    places = range(tile.first, tile.first + tile.width)
    if tile.level is None:
        return bundle([leaves[place] for place in places])
    return b"".join(hashes[tile.tree_level, place] for place in places)


def test_a_sound_log_is_proved(site: Site) -> None:
    report = site.check()
    assert report.ok, report.doubts
    assert (report.origin, report.size, len(report.streams)) == (ORIGIN, 600, 6)
    assert {stream.contiguous for stream in report.streams} == {100}
    assert any("600 entries, hashed again" in sentence for sentence in report.proved)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513])
def test_a_log_of_any_size_is_proved(site: Site, size: int) -> None:
    site.publish(log_of(size))
    report = site.check()
    assert report.ok, report.doubts
    assert report.size == size


def test_a_log_with_full_tiles_above_the_leaves_is_proved(site: Site) -> None:
    site.publish(log_of(65_536 + 300))
    report = site.check()
    assert report.ok, report.doubts
    assert "tile/1/000" in site.files
    assert "tile/2/000.p/1" in site.files
    site.files["tile/1/000"] = bytes(8192)
    assert not site.check().ok


# Twenty ways to tamper, each tried on a log of 600 leaves. First without the signing key.


def flip(path: str) -> Callable[[Site], None]:
    def tamper(site: Site) -> None:
        raw = bytearray(site.files[path])
        raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)
        site.files[path] = bytes(raw)

    return tamper


def swap(one: str, other: str) -> Callable[[Site], None]:
    def tamper(site: Site) -> None:
        site.files[one], site.files[other] = site.files[other], site.files[one]

    return tamper


def remove(path: str) -> Callable[[Site], None]:
    return lambda site: site.files.pop(path) and None


def cut(path: str) -> Callable[[Site], None]:
    return lambda site: site.files.update({path: site.files[path][:-1]})


def lengthen(path: str) -> Callable[[Site], None]:
    return lambda site: site.files.update({path: site.files[path] + b"\x00"})


def sign_with_another_key(site: Site) -> None:
    site.files.update(published(log_of(600), new_signer(ORIGIN)))


def sign_another_origin(site: Site) -> None:
    text = Checkpoint("other.example", 600, bytes(32)).text
    site.files["checkpoint"] = site.signer.sign(text).encode()


# Then with it: the tree is made anew around the changed entries and signed.


def anew(change: Callable[[Entries], None]) -> Callable[[Site], None]:
    def tamper(site: Site) -> None:
        leaves = log_of(600)
        change(leaves)
        site.publish(leaves)

    return tamper


def put(index: int, **changed: object) -> Callable[[Entries], None]:
    return lambda leaves: leaves.__setitem__(index, entry(index, **changed))


def respell(index: int) -> Callable[[Entries], None]:
    def change(leaves: Entries) -> None:
        leaves[index] = json.dumps(json.loads(leaves[index])).encode()

    return change


def add_member(index: int) -> Callable[[Entries], None]:
    def change(leaves: Entries) -> None:
        leaves[index] = entries.canonical({**json.loads(leaves[index]), "note": "x"})

    return change


TAMPERINGS: dict[str, Callable[[Site], None]] = {
    "a bit of an entry": flip("tile/entries/001"),
    "a bit of the last entries": flip("tile/entries/002.p/88"),
    "a bit of a leaf hash": flip("tile/0/000"),
    "a bit of a partial tile": flip("tile/0/002.p/88"),
    "a bit of an upper tile": flip("tile/1/000.p/2"),
    "a bit of the checkpoint": flip("checkpoint"),
    "two bundles exchanged": swap("tile/entries/000", "tile/entries/001"),
    "two tiles exchanged": swap("tile/0/000", "tile/0/001"),
    "a bundle gone": remove("tile/entries/000"),
    "a tile gone": remove("tile/1/000.p/2"),
    "a bundle cut short": cut("tile/entries/002.p/88"),
    "a bundle lengthened": lengthen("tile/entries/000"),
    "another key": sign_with_another_key,
    "another origin": sign_another_origin,
    "an event left out": anew(lambda leaves: leaves.pop(300) and None),
    "an event twice": anew(lambda leaves: leaves.append(leaves[10])),
    "a number given twice": anew(put(300, sequence=50)),
    "an event id given twice": anew(put(300, event_id=UUID(int=7))),
    "an entry spelled otherwise": anew(respell(300)),
    "an entry that says more": anew(add_member(300)),
    "two entries exchanged": anew(lambda leaves: leaves.insert(0, leaves.pop(6))),
    "a stream begun at 2": anew(lambda leaves: leaves.pop(0) and None),
    "an epoch begun at 2": anew(put(599, epoch=2, sequence=2)),
}


@pytest.mark.parametrize("way", TAMPERINGS)
def test_tampering_is_found(site: Site, way: str) -> None:
    TAMPERINGS[way](site)
    report = site.check()
    assert not report.ok
    assert report.doubts
    assert not report.proved


def test_every_sampled_bit_of_every_file_is_guarded(site: Site) -> None:
    whole = dict(site.files)
    for path in random.sample(sorted(whole), k=5) * 4:
        flip(path)(site)
        assert not site.check().ok, path
        site.files.update(whole)
    assert site.check().ok


def test_a_rewritten_past_is_refused_by_who_saw_the_old_one(site: Site, tmp_path: Path) -> None:
    assert site.check(tmp_path).ok
    rewritten = log_of(700)
    said = json.loads(rewritten[17]) | {"value_sha256": sha256(b"what we wish we said").hexdigest()}
    rewritten[17] = entries.canonical(said)
    site.publish(rewritten)
    assert site.check().ok  # nothing shows it to a stranger
    report = site.check(tmp_path)
    assert not report.ok
    assert "past was rewritten" in report.doubts[0]


def test_a_log_that_grew_is_proved_to_extend_what_was_seen(site: Site, tmp_path: Path) -> None:
    for size in (600, 600, 601, 1200):
        site.publish(log_of(size))
        report = site.check(tmp_path)
        assert report.ok, report.doubts
    assert "The 601 entries seen before are all still there, unchanged." in report.proved


def test_a_log_that_shrank_is_refused(site: Site, tmp_path: Path) -> None:
    assert site.check(tmp_path).ok
    site.publish(log_of(594))
    report = site.check(tmp_path)
    assert report.doubts == ("The log shrank: it showed 600 entries before, now 594.",)


def test_a_refused_log_does_not_become_the_remembered_one(site: Site, tmp_path: Path) -> None:
    assert site.check(tmp_path).ok
    site.publish(log_of(594))
    assert not site.check(tmp_path).ok
    assert not site.check(tmp_path).ok
    site.publish(log_of(600))
    assert site.check(tmp_path).ok


def test_a_log_seen_with_another_key_before_is_refused(site: Site, tmp_path: Path) -> None:
    assert site.check(tmp_path).ok
    site.signer = new_signer(ORIGIN)
    site.publish(log_of(600))
    report = site.check(tmp_path)
    assert not report.ok
    assert "another key" in report.doubts[0]


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"key":1,"note":2}', b"\xff"])
def test_a_damaged_memory_is_a_doubt(site: Site, tmp_path: Path, damage: bytes) -> None:
    assert site.check(tmp_path).ok
    (memory,) = tmp_path.iterdir()
    memory.write_bytes(damage)
    report = site.check(tmp_path)
    assert not report.ok
    assert "cannot be read" in report.doubts[0]


def test_a_gap_that_a_later_entry_heals_is_no_gap(site: Site) -> None:
    leaves = log_of(600)
    late = json.loads(leaves.pop(300))
    leaves.append(entries.canonical({**late, "recorded_at": json.loads(leaves[-1])["recorded_at"]}))
    site.publish(leaves)
    assert site.check().ok


def test_a_gap_is_told_with_its_stream_and_number(site: Site) -> None:
    anew(lambda leaves: leaves.pop(300) and None)(site)
    assert site.check().doubts == (
        "The stream matters/0 of epoch 1 has a gap: 1 of its first 100 events are missing, "
        "the first is number 51.",
    )


def test_a_log_without_its_key_is_not_believed(site: Site) -> None:
    report = verify(site.address)
    assert not report.ok
    assert "--key" in report.doubts[0]


@pytest.mark.parametrize(
    "key",
    [
        "nonsense",
        "a+b+c",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+" + base64.b64encode(b"\x01" * 40).decode(),
    ],
)
def test_a_damaged_key_is_a_doubt(site: Site, key: str) -> None:
    assert not verify(site.address, key=key).ok


@pytest.mark.parametrize("target", ["bundle.zip", "/tmp/bundle", "ftp://x/log", "http://", ""])
def test_a_target_that_is_no_address_is_refused_with_a_sentence(target: str) -> None:
    report = verify(target, key=new_signer(ORIGIN).verifier)
    assert not report.ok
    assert "neither the address of a log" in report.doubts[0]


def test_a_server_that_is_not_there_is_a_doubt_and_no_traceback() -> None:
    report = verify("http://127.0.0.1:1/log", key=new_signer(ORIGIN).verifier)
    assert not report.ok
    assert "could not be read" in report.doubts[0]


def test_signatures_of_witnesses_are_ignored(site: Site) -> None:
    note = site.files["checkpoint"].decode()
    witness = new_signer("witness.example").sign(note[: note.index("\n\n") + 1])
    site.files["checkpoint"] = (note + witness.rpartition("\n\n")[2]).encode()
    assert site.check().ok


def test_an_entry_read_at_once_says_what_its_members_say_also_with_a_bit_changed() -> None:
    """The pattern of a sound entry lets nothing through that the members would not."""
    for index in range(300):
        raw = entry(index)
        assert parse_entry(raw) == _parse_members(raw)
        changed = bytearray(raw)
        changed[random.randrange(len(raw))] ^= 1 << random.randrange(8)
        assert said(parse_entry, bytes(changed)) == said(_parse_members, bytes(changed))


def said(parse: Callable[[bytes], object], raw: bytes) -> object:
    try:
        return parse(raw)
    except ValueError:
        return "refused"
