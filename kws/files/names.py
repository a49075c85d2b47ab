"""Names of files, as they are compared and as they are printed."""

from __future__ import annotations

import posixpath
import unicodedata


def printable(name: str) -> str:
    r"""Escape a name for files and terminals: invalid UTF-8 becomes `\xff`, control characters `\n`, `\x1b` …"""
    if name.isprintable():
        return name
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in name)


def _escaped(letter: str) -> str:
    # Python reads such a byte of a file's name as a lone surrogate.
    return f"\\x{ord(letter) - 0xDC00:02x}" if "\udc80" <= letter <= "\udcff" else letter.encode("unicode_escape").decode("ascii")


def composed(name: str) -> str:
    """Normalise a name to Unicode NFC: a Mac's disk may store é as two characters, a list holds it as one."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def clip_key(name: str) -> str:
    r"""Normalise a clip's name to `word/file` for comparison; a list may write it as `.\word\file`."""
    name = composed(name).replace("\\", "/").strip()
    return posixpath.normpath(name) if "//" in name or name.startswith(".") else name
