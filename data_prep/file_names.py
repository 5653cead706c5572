"""Names of files and folders: those that are no part of a data set, and those that are no text."""

import unicodedata

_LITTER = frozenset(("__macosx", "thumbs.db", "desktop.ini", "@eadir"))


def is_litter(name: str) -> bool:
    """True for what systems leave behind: hidden files, macOS's `._x` and `__MACOSX`, Windows' `Thumbs.db`."""
    return name.startswith(".") or name.casefold() in _LITTER


def is_utf8(name: str) -> bool:
    """False for a name with bytes that are not UTF-8, which Python holds as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def composed(text: str) -> str:
    """The text with diacritics in Unicode's composed form: macOS writes names decomposed."""
    return unicodedata.normalize("NFC", text)
