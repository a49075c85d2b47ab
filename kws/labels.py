"""The label set: silence, unknown, then the wanted words, in the original's order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kws.errors import KwsError
from kws.whole_file import whole_file

SILENCE = "_silence_"
UNKNOWN = "_unknown_"
SILENCE_INDEX = 0
UNKNOWN_INDEX = 1


@dataclass(frozen=True)
class LabelSet:
    """The names a model can answer with, by index.

    Args:
        words: the wanted words, in the order of their indices (from 2 on).

    Raises:
        KwsError: no words, a word twice, or a word that is a reserved name or no folder name.
    """

    words: tuple[str, ...]

    def __init__(self, words: Iterable[str]) -> None:
        words = (words,) if isinstance(words, str) else tuple(words)
        truths = [word for word in words if isinstance(word, bool)]
        if truths:
            raise KwsError(f"words: {truths[0]} is a truth value: YAML reads yes, no, on and off so; put such words in quotes")
        wanted = tuple(str(word).strip() for word in words)
        object.__setattr__(self, "words", wanted)
        if not wanted:
            raise KwsError("words: no wanted word is given; name at least one, such as words=[yes,no]")
        for word in wanted:
            if not word or word.startswith((".", "_")) or "/" in word or "\\" in word:
                raise KwsError(
                    f"words: {word!r} can't be a wanted word: it must be a folder name that starts with neither '_' nor '.'"
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
        names = self.names
        return names.index(word) if word in names else UNKNOWN_INDEX

    def write(self, path: Path) -> None:
        """Write labels.txt: one name a line, in index order (the original's format)."""
        with whole_file(path) as temporary:
            temporary.write_text("".join(f"{name}\n" for name in self.names), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> LabelSet:
        """Read a labels.txt that `write` or the original made.

        Raises:
            KwsError: the file does not start with `_silence_` and `_unknown_`.
        """
        names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        if names[:2] != [SILENCE, UNKNOWN]:
            raise KwsError(f"{path}: starts with {names[:2]}; a label file starts with the lines {SILENCE} and {UNKNOWN}")
        return cls(names[2:])
