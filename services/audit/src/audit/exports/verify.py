"""Checks an exported bundle offline, with nothing but Python's standard library (3.11 or newer):

    python verify.py BUNDLE [KEY]

BUNDLE: the zip file or its folder. KEY: the log's key as the firm published it; without it the
bundle's own is used, and that is said. All else is computed again. Ends with 1 on any doubt.
"""

import hashlib
import hmac
import json
import sys
import zipfile
from base64 import b64decode
from pathlib import Path
from typing import Any

P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]


def read(bundle: str) -> dict[str, bytes]:
    if zipfile.is_zipfile(bundle):
        with zipfile.ZipFile(bundle) as packed:
            files = {name: packed.read(name) for name in packed.namelist()}
            require(len(files) == len(packed.namelist()), "a file is there twice")
            return files
    found = (path for path in Path(bundle).rglob("*") if path.is_file())
    return {path.relative_to(bundle).as_posix(): path.read_bytes() for path in found}


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


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
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % ORDER
    left, right = times(s, base), add(point_of(signature[:32]), times(h, point_of(key)))
    same = not any((left[at] * right[2] - right[at] * left[2]) % P for at in (0, 1))
    require(len(signature) == 64 and s < ORDER and same, "a signature is wrong")


def opened(note: bytes, keys: list[str]) -> list[str]:
    """The signer of a note (c2sp.org/signed-note), one of the keys, and the lines of its text."""
    text, _, signatures = note.decode().rpartition("\n\n")
    for name, key_id, key in (one.split("+", 2) for one in keys):
        known = sha256(name.encode(), b"\n", b64decode(key))[:4]
        require(known.hex() == key_id and b64decode(key)[0] == 1, "a key is damaged")
        for _, signer, encoded in (line.split(" ") for line in signatures.splitlines()):
            raw = b64decode(encoded, validate=True)
            if signer == name and raw[:4] == known:
                require_signed(b64decode(key)[1:], f"{text}\n".encode(), raw[4:])
                return [name, *text.split("\n")]
    raise ValueError("a note is signed by none of the keys")


def root(start: int, end: int, leaves: dict[int, bytes], known: dict[Any, bytes]) -> bytes:
    """The tree of RFC 9162 over [start, end); what it used is taken out of both."""
    if (start, end) in known:
        return known.pop((start, end))
    if end - start == 1:
        return leaves.pop(start)
    middle = start + (1 << (end - start - 1).bit_length() - 1)
    return sha256(b"\x01", root(start, middle, leaves, known), root(middle, end, leaves, known))


def leaf_of(line: Any, files: dict[str, bytes], counted: dict[bool, int]) -> bytes:
    """The leaf hash of an entry whose value, metadata, words and files are what it commits to."""
    entry, value = json.loads(line["entry"]), b64decode(line["value"])
    meta = hmac.digest(b64decode(line["salt"]), line["metadata"].encode(), "sha256").hex()
    require(entry["value_sha256"] == hashlib.sha256(value).hexdigest(), "a value was altered")
    require(entry["meta"] == meta, "the type, time or subject of an entry was altered")
    told: Any = json.loads(value) if line["opened"] else {}
    for one in line["opened"]:
        place = told
        for step in one["at"].split("/")[1:]:
            place = place[int(step)] if isinstance(place, list) else place[step]
        content = files[one["path"]] if "path" in one else b64decode(one["content"])
        if "salt" in one:
            mac = hmac.digest(b64decode(one["salt"]), content, "sha256")
            require(mac == b64decode(place["commitment"]), f"{one['at']} was altered")
        counted["salt" in one] += 1
    return sha256(b"\x00", line["entry"].encode())


def check(bundle: str, key: str | None = None) -> list[str]:  # what was proved; raises a doubt
    files, counted = read(bundle), {True: 0, False: 0}
    keys = [key] if key else files["keys.txt"].decode().split()
    sums = files["SHA256SUMS"]
    origin, kind, _, count, size, digest, *_ = opened(files["SHA256SUMS.note"], keys)
    require(kind == f"{origin}/export" and b64decode(digest) == sha256(sums), "list was altered")
    listed = {line[66:]: line[:64] for line in sums.decode().splitlines()}
    require(set(listed) == files.keys() - {"SHA256SUMS", "SHA256SUMS.note"}, "a file is missing")
    for name, digest in listed.items():
        require(sha256(files[name]).hex() == digest, f"{name} was altered")
    checkpoint = opened(files["checkpoint"], keys)
    require(checkpoint[:3] == [origin, origin, size], "the checkpoint is of another log or size")
    lines = [json.loads(one) for one in files["entries.jsonl"].splitlines()]
    leaves = {line["index"]: leaf_of(line, files, counted) for line in lines}
    require(len(leaves) == len(lines) == int(count), "entries were left out, or are there twice")
    known = {(one[0], one[1]): b64decode(one[2]) for one in json.loads(files["proof.json"])}
    top = root(0, int(size), leaves, known)
    require(top == b64decode(checkpoint[3]) and not leaves, "the log does not hold the entries")
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
