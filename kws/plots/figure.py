"""Write a figure to a file, and escape names for Matplotlib."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from kws.errors import KwsError
from kws.files.atomic import atomic_write, is_special


def plain(text: str) -> str:
    """Escape a name so that Matplotlib draws it literally: $ starts no formula, non-UTF-8 bytes become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("$", r"\$")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure atomically, in the format of the file's ending.

    Raises:
        KwsError: the ending is no image format, or the file can't be written.
    """
    try:
        with atomic_write(path) as temporary:
            # The format is given, for without an ending Matplotlib would write to another file.
            form = path.suffix[1:] or ("png" if is_special(path) else "no ending")
            figure.savefig(temporary, dpi=120, format=form)
    except ValueError as error:
        raise KwsError(f"{path}: {error}; end the name in .png, .svg or .pdf") from error
    except OSError as error:
        raise KwsError(f"{path}: can't be written ({error.strerror})") from error
