"""The official test sets of Google's Speech Commands, which papers test on: twelve labels, every clip fixed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kws.data.sets.test_set import is_test_set
from kws.data.sources.speech_commands import STORE, Archive, fetch_and_unpack
from kws.errors import KwsError, checks

# Size and hash are those that TensorFlow Datasets compares with; for v0.01 none is published.
_ARCHIVES = {
    "v0.01": Archive(f"{STORE}/speech_commands_test_set_v0.01.tar.gz", None),
    "v0.02": Archive(
        f"{STORE}/speech_commands_test_set_v0.02.tar.gz",
        "cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
        112_563_277,
    ),
}


@dataclass(frozen=True)
class SpeechCommandsTestSet:
    """An official test set, fetched and unpacked where it is not there yet, as `SpeechCommands` is.

    Args:
        root: folder of the archive and of its unpacked folder; or the unpacked test set itself.
        version: `v0.01` (3,081 clips) or `v0.02` (4,890 clips).
        sha256: of the archive, hex; None: the known one, or, for v0.01, none: what comes is not compared, its hash is
            logged.

    Raises:
        KwsError: an unknown version, or an empty name of the folder.
    """

    root: Path
    version: str
    sha256: str | None

    def __init__(self, root: str | Path, version: str = "v0.02", sha256: str | None = None) -> None:
        if version not in _ARCHIVES:
            raise KwsError(f"data.test_source.version: there is no test set {version!r}; give one of {', '.join(_ARCHIVES)}")
        object.__setattr__(self, "root", checks.folder("data.test_source.root", root))
        object.__setattr__(self, "version", version)
        object.__setattr__(self, "sha256", sha256)

    def prepare(self) -> Path:
        """Return the folder with one folder per label; safe for several processes at once.

        Raises:
            KwsError: no network, a damaged archive or one of another layout, a full disk, or a folder that can't be
                written.
        """
        known = _ARCHIVES[self.version]
        archive = Archive(known.url, self.sha256 or known.sha256, known.size_bytes if self.sha256 is None else None)
        folder = fetch_and_unpack(
            archive, self.root, f"speech_commands_test_set_{self.version}", self._unpacked, "data.test_source.root"
        )
        if not is_test_set(folder):
            raise KwsError(
                f"{folder}: is not the test set: folders _silence_ and _unknown_ are expected in it; remove it and try again"
            )
        return folder

    def _unpacked(self) -> Path | None:
        inside = self.root / f"speech_commands_test_set_{self.version}"
        return next((folder for folder in (self.root, inside) if is_test_set(folder)), None)
