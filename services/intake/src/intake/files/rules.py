"""What a file is, by its octets and never by its name. Pure; nothing is ever unpacked."""

from dataclasses import dataclass

PART = 1_048_576
LONGEST_LOOK = 4096

_BY_BEGINNING = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"{\\rtf", "application/rtf"),
)
_OFFICE = {
    b"word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_BY_ENDING = {
    "pdf": ("application/pdf",),
    "png": ("image/png",),
    "jpg": ("image/jpeg",),
    "jpeg": ("image/jpeg",),
    "gif": ("image/gif",),
    "tif": ("image/tiff",),
    "tiff": ("image/tiff",),
    "heic": ("image/heic",),
    "mp4": ("video/mp4",),
    "mov": ("video/mp4",),
    "m4a": ("video/mp4",),
    "zip": ("application/zip", *_OFFICE.values()),
    "docx": (_OFFICE[b"word/"], "application/zip"),
    "xlsx": (_OFFICE[b"xl/"], "application/zip"),
    "pptx": (_OFFICE[b"ppt/"], "application/zip"),
    "txt": ("text/plain",),
    "csv": ("text/plain",),
    "eml": ("text/plain",),
    "rtf": ("application/rtf",),
}
_RUNS = (b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"#!")


class NotAcceptable(ValueError):
    """Why a file is not taken, in words for who sent it."""


@dataclass(frozen=True, slots=True)
class Part:
    """How long a part of a file is, and whether it is the last."""

    length: int
    last: bool


def in_words(size: int) -> str:
    """As people are told a limit: in whole units, never more than there is."""
    for unit, octets in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if size >= octets:
            return f"{size // octets} {unit}"
    return f"{size} bytes"


def parts_of(size: int) -> int:
    return max(1, -(-size // PART))


def part(size: int, number: int) -> Part:
    """Raises NotAcceptable for a number that the file does not have."""
    count = parts_of(size)
    if not 0 <= number < count:
        raise NotAcceptable(f"the file has parts 0 to {count - 1}")
    return Part(min(PART, size - number * PART), number == count - 1)


def media_type(beginning: bytes, name: str) -> str:
    """Raises NotAcceptable for programs, and where name and octets contradict each other."""
    if beginning.startswith(_RUNS):
        raise NotAcceptable("programs are not taken")
    found = _sniffed(beginning)
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    expected = _BY_ENDING.get(ending)
    if expected is not None and found not in expected:
        raise NotAcceptable(f"the name ends in .{ending}, but the file is {found}")
    return found


def _sniffed(beginning: bytes) -> str:
    for start, media in _BY_BEGINNING:
        if beginning.startswith(start):
            return media
    if beginning[4:8] == b"ftyp":
        return "image/heic" if beginning[8:12] in (b"heic", b"heix", b"mif1") else "video/mp4"
    if beginning[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(
            beginning[8:12], "application/octet-stream"
        )
    if beginning.startswith(b"PK"):
        return _archive(beginning)
    return "text/plain" if _is_text(beginning) else "application/octet-stream"


def _archive(beginning: bytes) -> str:
    """By the names at the beginning of the archive, which are not compressed."""
    for folder, media in _OFFICE.items():
        if folder in beginning:
            return media
    return "application/zip"


def _is_text(beginning: bytes) -> bool:
    """UTF-8 without control characters; a letter may be cut in two at the end of the look."""
    try:
        beginning.decode()
    except UnicodeDecodeError as error:
        if error.start < len(beginning) - 3:
            return False
    return not any(octet < 32 and octet not in (9, 10, 12, 13) for octet in beginning)
