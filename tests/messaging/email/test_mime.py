"""Parts are found where the standard library finds them, and as offsets into the original."""

from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP

from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.email.mime import MAX_DEPTH, MAX_PARTS, Defects, Part, decoded, split

LEAVES = st.binary(max_size=40)
TREES = st.recursive(
    LEAVES, lambda children: st.lists(children, min_size=1, max_size=3), max_leaves=8
)


def built(tree: bytes | list[object]) -> EmailMessage:
    message = EmailMessage()
    if isinstance(tree, bytes):
        message.set_content(tree, maintype="application", subtype="octet-stream")
        return message
    message.make_mixed()
    for child in tree:
        message.attach(built(child))  # type: ignore[arg-type]
    return message


def in_order(message: Message) -> list[tuple[str, bytes | None]]:
    return [(part.get_content_type(), part.get_payload(decode=True)) for part in message.walk()]  # type: ignore[misc]


def read(raw: bytes, part: Part) -> list[tuple[str, bytes | None]]:
    octets = None if part.parts else decoded(raw, part, Defects())
    return [(part.media_type, octets), *(found for p in part.parts for found in read(raw, p))]


@settings(deadline=None, max_examples=100)
@given(TREES)
def test_a_well_formed_mail_has_the_parts_that_the_standard_library_finds(tree: object) -> None:
    raw = built(tree).as_bytes(policy=SMTP)  # type: ignore[arg-type]
    defects = Defects()
    assert read(raw, split(raw, defects)) == in_order(message_from_bytes(raw))
    assert defects == []


def test_parts_are_numbered_in_document_order() -> None:
    raw = built([b"a", [b"b", b"c"], b"d"]).as_bytes(policy=SMTP)
    assert [part.index for part in split(raw, Defects()).leaves()] == [1, 3, 4, 5]


def test_preamble_and_epilogue_belong_to_no_part() -> None:
    raw = b'Content-Type: multipart/mixed; boundary="b b"\n\npre\n--b b\n\none\n--b b-- \npost'
    (part,) = split(raw, Defects()).parts
    assert raw[part.start : part.end] == b"one"


def test_a_delimiter_counts_only_as_a_whole_line() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx --b\r\n--bc\r\n--b--\r\n"
    (part,) = split(raw, Defects()).parts
    assert raw[part.start : part.end] == b"x --b\r\n--bc"


def test_depth_and_number_of_parts_are_bounded() -> None:
    defects = Defects()
    many = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 2 * MAX_PARTS
    assert len(split(many, defects).parts) < MAX_PARTS
    part, depth = split(deep(), defects), 0
    while part.parts:
        part, depth = part.parts[0], depth + 1
    assert depth == MAX_DEPTH
    assert {"too-many-parts", "nested-too-deeply"} <= set(defects)


def deep() -> bytes:
    levels = range(2 * MAX_DEPTH)
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in levels
    )
