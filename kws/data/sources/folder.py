"""The user's own folder of recordings as a source of data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kws.audio.io import AUDIO_SUFFIXES
from kws.errors import KwsError, checks

_LAYOUT = "one folder a word expected, such as {root}/yes/1.wav"


@dataclass(frozen=True)
class Folder:
    """A folder of word folders, used as it is.

    Args:
        root: the folder; holds one folder a word, and `_background_noise_` with recordings of noise, if there are any.

    Raises:
        KwsError: the name of the folder is empty.
    """

    root: Path

    def __init__(self, root: str | Path) -> None:
        object.__setattr__(self, "root", checks.folder("data.source.root", root))

    def prepare(self) -> Path:
        """Return the folder after checking that it holds words.

        Raises:
            KwsError: it is missing, is no folder, can't be read, or holds no word folder with sound in it.
        """
        root, layout = self.root, _LAYOUT.format(root=self.root)
        try:
            if not root.exists():
                raise KwsError(f"data.source.root: {root.absolute()} does not exist; give the folder of your word folders")
            if not root.is_dir():
                raise KwsError(f"data.source.root: {root} is a file; give the folder of your word folders")
            words = [path for path in sorted(root.iterdir()) if not path.name.startswith((".", "_")) and path.is_dir()]
            if any(_holds_sound(word) for word in words):
                return root
            if _holds_sound(root):
                raise KwsError(f"{root}: its sound files lie in no word folder; {layout}; sort them into folders")
        except OSError as error:
            raise KwsError(f"{root}: can't be listed ({error}); make it readable, or give another folder") from error
        if not words:
            raise KwsError(f"{root}: holds no word folders; {layout}")
        listed = ", ".join(word.name for word in words[:5]) + (", …" if len(words) > 5 else "")
        raise KwsError(
            f"{root}: none of its folders ({listed}) holds a sound file ({', '.join(sorted(AUDIO_SUFFIXES))}); {layout}."
            " Perhaps the word folders lie one level deeper: then give that folder"
        )


def _holds_sound(folder: Path) -> bool:
    return any(path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".") for path in folder.iterdir())
