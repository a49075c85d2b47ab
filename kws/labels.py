"""The label set: silence, unknown, then the wanted words, in the original's order."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kws.errors import KwsError
from kws.files.atomic import atomic_write

SILENCE = "_silence_"
UNKNOWN = "_unknown_"
SILENCE_INDEX = 0
UNKNOWN_INDEX = 1
# The joiners of Persian and of the scripts of India; str.isprintable() takes them for control characters.
_JOINERS = str.maketrans("", "", "\u200c\u200d")


def plain_word(word: str) -> str:
    """Return a word as words are compared: composed letters (Unicode's NFC), without blanks around it.

    A Mac's disk may write é as two characters where a keyboard writes one.
    """
    return word.strip() if word.isascii() else unicodedata.normalize("NFC", word).strip()


@dataclass(frozen=True)
class LabelSet:
    """The names a model can answer with, by index.

    Args:
        words: the wanted words, in the order of their indices (from 2 on); kept as `plain_word` makes them.

    Raises:
        KwsError: no words, a word twice, or a word that is a reserved name, no folder name, or can't be printed.
    """

    words: tuple[str, ...]

    def __init__(self, words: Iterable[str]) -> None:
        wanted = tuple(plain_word(word) for word in _texts(words))
        object.__setattr__(self, "words", wanted)
        if not wanted:
            raise KwsError("words: no wanted word is given; name at least one, such as words=[yes,no]")
        for word in wanted:
            if not word or word.startswith((".", "_")) or "/" in word or "\\" in word:
                raise KwsError(
                    f"words: {word!r} can't be a wanted word: it must be a folder name that starts with neither '_' nor '.'"
                )
            if not word.translate(_JOINERS).isprintable():
                raise KwsError(
                    f"words: {word!r} can't be a wanted word: it holds a character that can't be printed; write the word anew"
                )
            if wanted.count(word) > 1:
                raise KwsError(f"words: {word!r} is given {wanted.count(word)} times; name each word once")

    @property
    def names(self) -> tuple[str, ...]:
        """All names: `_silence_`, `_unknown_`, then the words."""
        return (SILENCE, UNKNOWN, *self.words)

    def __len__(self) -> int:
        return len(self.words) + 2

    def index(self, word: str) -> int:
        """Index of a word; every word that is not wanted is `_unknown_`."""
        names, word = self.names, plain_word(word)
        return names.index(word) if word in names else UNKNOWN_INDEX

    def write(self, path: Path) -> None:
        """Write labels.txt: one name a line, in index order (the original's format)."""
        with atomic_write(path) as temporary:
            temporary.write_text("".join(f"{name}\n" for name in self.names), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> LabelSet:
        """Read a labels.txt that `write` or the original made.

        Raises:
            KwsError: the file can't be read, or does not start with `_silence_` and `_unknown_`.
        """
        try:
            lines = path.read_text(encoding="utf-8-sig").split("\n")
        except (OSError, ValueError) as error:
            raise KwsError(f"{path}: can't be read as a list of labels ({error}); give a labels.txt in UTF-8") from error
        names = [line.strip() for line in lines if line.strip()]
        if names[:2] != [SILENCE, UNKNOWN]:
            raise KwsError(f"{path}: starts with {names[:2]}; a label file starts with the lines {SILENCE} and {UNKNOWN}")
        return cls(names[2:])


def _texts(words: object) -> tuple[str, ...]:
    """Return the words as text; a number such as 1 is the word "1".

    Raises:
        KwsError: what is given is no list, or a word is neither.
    """
    quote = "YAML reads yes, no, on and off as truth values, and null as nothing; put such words in quotes"
    if isinstance(words, str):
        return (words,)
    if not isinstance(words, Iterable) or isinstance(words, Mapping | bytes):
        raise KwsError(f'words: {words!r} given; a list of words expected, such as ["yes","no"]; {quote}')
    given = tuple(words)
    for word in given:
        if isinstance(word, bool):
            raise KwsError(f"words: {word} is a truth value: YAML reads yes, no, on and off so; put such words in quotes")
        if not isinstance(word, str | int):
            raise KwsError(f"words: {word!r} is no word; {quote}")
    return tuple(str(word) for word in given)
