"""Checks an exported bundle offline, with nothing but Python's standard library (3.11 or newer):

    python verify.py BUNDLE [KEY]

BUNDLE: the zip or its folder. KEY: the log's, as the firm published it; without it the bundle's own
is used, and that is said. All else is computed again. Ends with 1 on any doubt."""

import hmac
import json
import sys
import zipfile
from binascii import a2b_base64
from hashlib import sha256, sha512
from io import BytesIO
from pathlib import Path
from typing import Any

P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]


def read(bundle: str) -> dict[str, bytes]:
    if not zipfile.is_zipfile(bundle):
        found = (path for path in Path(bundle).rglob("*") if path.is_file())
        return {path.relative_to(bundle).as_posix(): path.read_bytes() for path in found}
    with zipfile.ZipFile(bundle) as packed:
        require(len(set(packed.namelist())) == len(packed.namelist()), "a file is there twice")
        return {name: packed.read(name) for name in packed.namelist()}


def require(sound: bool, otherwise: str) -> None:
    if not sound:
        raise ValueError(otherwise)


def add(p: Point, q: Point) -> Point:  # Ed25519, RFC 8032
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    total = (0, 1, 1, 0)
    for bit in f"{number:b}":
        total = add(add(total, total), point) if bit == "1" else add(total, total)
    return total


def point_of(raw: bytes) -> Point:
    y, odd = int.from_bytes(raw, "little") & ((1 << 255) - 1), raw[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    require(y < P and x * x % P == square, "a key or signature is no point of the curve")
    x = x if x & 1 == odd else P - x
    return x, y, 1, x * y % P


def require_signed(key: bytes, text: bytes, signature: bytes) -> None:
    base = point_of((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(sha512(signature[:32] + key + text).digest(), "little") % ORDER
    left, right = times(s, base), add(point_of(signature[:32]), times(h, point_of(key)))
    same = not any((left[at] * right[2] - right[at] * left[2]) % P for at in (0, 1))
    require(len(signature) == 64 and s < ORDER and same, "a signature is wrong")


def opened(note: bytes, keys: list[str]) -> list[str]:
    """The signer of a note (c2sp.org/signed-note), one of the keys, and the lines of its text."""
    text, _, signatures = note.decode().rpartition("\n\n")
    for name, key_id, key in (one.split("+", 2) for one in keys):
        raw_key = a2b_base64(key)
        known = sha256(name.encode() + b"\n" + raw_key).digest()[:4]
        require(known.hex() == key_id and raw_key[0] == 1, "a key is damaged")
        for _, signer, encoded in (line.split(" ") for line in signatures.splitlines()):
            raw = a2b_base64(encoded, strict_mode=True)
            if signer == name and raw[:4] == known:
                require_signed(raw_key[1:], f"{text}\n".encode(), raw[4:])
                return [name, *text.split("\n")]
    raise ValueError("a note is signed by none of the keys")


def root(start: int, end: int, known: dict[tuple[int, int], bytes]) -> bytes:
    """The tree of RFC 9162 over [start, end) out of leaves and subtrees; takes out what it used."""
    if (found := known.pop((start, end), None)) is not None:
        return found
    require(end - start > 1, "the proof lacks a leaf")
    middle = start + (1 << (end - start - 1).bit_length() - 1)
    return sha256(b"\x01" + root(start, middle, known) + root(middle, end, known)).digest()


def leaf_of(line: Any, files: dict[str, bytes], counted: dict[bool, int]) -> bytes:
    """The leaf hash of an entry whose value, metadata, words and files are what it commits to."""
    entry, value = json.loads(line["entry"]), a2b_base64(line["value"])
    mac = hmac.digest(a2b_base64(line["salt"]), line["metadata"].encode(), "sha256")
    require(entry["value_sha256"] == sha256(value).hexdigest(), "a value was altered")
    require(entry["meta"] == mac.hex(), "the type, time or subject of an entry was altered")
    told: Any = json.loads(value) if line["opened"] else {}
    for one in line["opened"]:
        place = told
        for step in one["at"].split("/")[1:]:
            place = place[int(step)] if isinstance(place, list) else place[step]
        content = files[one["path"]] if "path" in one else a2b_base64(one["content"])
        if "salt" in one:
            mac = hmac.digest(a2b_base64(one["salt"]), content, "sha256")
            require(mac == a2b_base64(place["commitment"]), f"{one['at']} was altered")
        counted["salt" in one] += 1
    return sha256(b"\x00" + line["entry"].encode()).digest()


def check(bundle: str, key: str | None = None) -> list[str]:  # what was proved; raises a doubt
    files, counted = read(bundle), {True: 0, False: 0}
    keys = [key] if key else files["keys.txt"].decode().split()
    sums = files["SHA256SUMS"]
    origin, kind, _, count, size, digest, *_ = opened(files["SHA256SUMS.note"], keys)
    require(kind == f"{origin}/export", "the list is of something else")
    require(a2b_base64(digest) == sha256(sums).digest(), "the list was altered")
    listed = {line[66:]: line[:64] for line in sums.decode().splitlines()}
    require(set(listed) == files.keys() - {"SHA256SUMS", "SHA256SUMS.note"}, "a file is missing")
    for name, digest in listed.items():
        require(sha256(files[name]).hexdigest() == digest, f"{name} was altered")
    checkpoint = opened(files["checkpoint"], keys)
    require(checkpoint[:3] == [origin, origin, size], "the checkpoint is of another log or size")
    known = {(one[0], one[1]): a2b_base64(one[2]) for one in json.loads(files["proof.json"])}
    all_known = len(known) + int(count)
    for line in map(json.loads, map(bytes.decode, BytesIO(files["entries.jsonl"]))):
        place = (line["index"], line["index"] + 1)
        require(place not in known, "an entry is there twice, or the proof has its place")
        known[place] = leaf_of(line, files, counted)
    require(len(known) == all_known, "entries were left out or added")
    top = root(0, int(size), known)
    require(top == a2b_base64(checkpoint[3]) and not known, "the log does not hold the entries")
    trust = "as you gave it" if key else "OF THE BUNDLE ITSELF: compare it with the published one"
    return [
        f"The key of {origin} ({trust}) signed the list of {len(listed)} files; all are here.",
        f"{count} entries stand, unaltered, in the log of {size} entries that it signed.",
        f"{counted[True]} texts and files are those that the entries committed to.",
        f"{counted[False]} files as exported, without what opens their commitment.",
    ]


if __name__ == "__main__":
    try:
        print("\n".join([*check(*sys.argv[1:3]), "Proved."]))
    except Exception as doubt:
        sys.exit(f"NOT proved: {type(doubt).__name__}: {doubt}")
