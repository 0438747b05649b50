"""When two mails are one: the same Message-ID and the same content, or without a Message-ID the
same content within one SMTP retry (architecture §6). What content is, for that, is said here; it
is compared by an HMAC under the owner's key (conversations.custody)."""

import re

from messaging.email.mime import header_end

# Written by the servers on the way, so two copies of one mail differ in them. A DKIM signature is
# one: a server may sign each copy anew, and what it signs is compared here octet by octet.
_TRACE = re.compile(
    rb"(?:received|return-path|delivered-to|x-original-to|envelope-to|x-received|received-spf"
    rb"|authentication-results|arc-[a-z-]+|dkim-signature|x-google-dkim-signature|x-spam-[a-z-]+)"
    rb"[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)",
    re.IGNORECASE,
)
_HEADER = re.compile(rb"[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)")


def canonical(raw: bytes) -> bytes:
    """The mail without its trace headers; all other octets as they came."""
    end, _ = header_end(raw)
    kept, at = [], 0
    while at < end:
        header = _TRACE.match(raw, at, end)
        if header is None:
            header = _HEADER.match(raw, at, end)
            assert header is not None, "the pattern matches any line"
            kept.append(header[0])
        at = header.end()
    return b"".join(kept) + raw[end:]
