"""Whether two spellings name the same recipient."""

from unicodedata import normalize


def same_words(one: str, other: str) -> bool:
    """But for capitals, spaces, and how letters are put together."""
    return _plain(one) == _plain(other)


def _plain(words: str) -> list[str]:
    return normalize("NFKC", normalize("NFKC", words).casefold()).split()
