"""Names of files, as they are compared and as they are printed."""

from __future__ import annotations

import posixpath
import unicodedata


def printable(name: str) -> str:
    r"""A name that every file and terminal takes: a byte that is no UTF-8 becomes `\xff`, a control character `\n`, `\x1b` …"""
    if name.isprintable():
        return name
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in name)


def _escaped(letter: str) -> str:
    # Python reads such a byte of a file's name as a lone surrogate.
    return f"\\x{ord(letter) - 0xDC00:02x}" if "\udc80" <= letter <= "\udcff" else letter.encode("unicode_escape").decode("ascii")


def composed(name: str) -> str:
    """A name with composed letters (Unicode's NFC): a Mac's disk may write é as two characters, a list or a keyboard as one."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def clip_key(name: str) -> str:
    r"""A clip's name `word/file` as lists and folders are compared by, for a list may say `.\word\file` of the same clip."""
    name = composed(name).replace("\\", "/").strip()
    return posixpath.normpath(name) if "//" in name or name.startswith(".") else name
