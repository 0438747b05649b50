"""HTML from strangers: a narrow, harmless copy to show, and the text in it.

Nothing remote is ever loaded, no script, style, image or form survives. Links stay, unfollowed.
"""

import re
from html import unescape

import nh3

MAX_HTML = 1024 * 1024
MAX_DEPTH = 2000

_INLINE = {"a", "b", "code", "em", "i", "s", "strong", "sub", "sup", "u"}
_BLOCKS = {"blockquote", "br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "p", "pre"}
_LISTS_AND_TABLES = {"li", "ol", "ul", "table", "tbody", "td", "th", "thead", "tr"}
_TAG = re.compile(r"<[^<>]*>")
_BREAK = re.compile(r"<(?:br|/?(?:blockquote|div|h[1-6]|hr|li|ol|p|pre|table|tr|ul))\b[^<>]*>")
_OPENED_OR_CLOSED = re.compile(
    r"<(/?)(?!(?:area|base|br|col|hr|img|input|link|meta|wbr|p|li|td|tr|th|option)\b)[a-z]", re.I
)


def sanitised(html: str) -> str | None:
    """The harmless copy; None for what is too large or too deep to clean in reasonable time."""
    # html5ever needs time quadratic in the depth: 20 s for 500 KB of <div>.
    if len(html) > MAX_HTML or _depth(html) > MAX_DEPTH:
        return None
    return nh3.clean(
        html,
        tags=_INLINE | _BLOCKS | _LISTS_AND_TABLES,
        clean_content_tags={"script", "style", "title", "template"},
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
    )


def text_in(html: str) -> str:
    """The readable text, a line per block, without trailing spaces or runs of empty lines."""
    clean = sanitised(html)
    flat = re.sub(r"\s+", " ", clean if clean is not None else html)
    text = unescape(_TAG.sub("", _BREAK.sub("\n", flat))).replace("\xa0", " ")
    lines = [line.strip() for line in text.split("\n")]
    kept = [line for n, line in enumerate(lines) if line or (n and lines[n - 1])]
    return "\n".join(kept).strip()


def _depth(html: str) -> int:
    depth = deepest = 0
    for tag in _OPENED_OR_CLOSED.finditer(html):
        depth += -1 if tag[1] else 1
        deepest = max(deepest, depth)
    return deepest
