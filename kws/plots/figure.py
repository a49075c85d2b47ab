"""Write a figure to a file; names as Matplotlib draws them."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from kws.errors import KwsError
from kws.files.atomic import atomic_write, is_special


def plain(text: str) -> str:
    """Escape a name so that Matplotlib draws its letters: $ begins no formula; what is no UTF-8 is escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("$", r"\$")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a picture whole, in the format of its ending.

    Raises:
        KwsError: the ending is no picture format, or the folder can't be written.
    """
    try:
        with atomic_write(path) as temporary:
            # Named, for without an ending Matplotlib would write to another file.
            form = path.suffix[1:] or ("png" if is_special(path) else "no ending")
            figure.savefig(temporary, dpi=120, format=form)
    except ValueError as error:
        raise KwsError(f"{path}: {error}; end the name in .png, .svg or .pdf") from error
    except OSError as error:
        raise KwsError(f"{path}: can't be written ({error.strerror})") from error
