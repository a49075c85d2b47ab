"""ExecuTorch models (`.pte`), run by ExecuTorch's own runtime as on a phone."""

from __future__ import annotations

import hashlib
import io
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kws.errors import KwsError
from kws.inference.metadata import METADATA_KEY, Metadata
from kws.inference.model import ExportedModel, Scores, Waveforms
from kws.inference.suppress_warnings import suppress_warnings

# After the program comes its SHA-256, then this. Runtimes read as far as the program's header says, and no further.
_SEAL = b"kws.sha256"
# Loggers that warn of other backends, of quantisation and of torch's own changes.
NOISY = ("executorch", "torch", "torchao")


class ExecuTorchModel(ExportedModel):
    """A `.pte` file. It takes one clip at a time; more are run one after another.

    Args:
        path: the file.
        threads: CPU threads; None: one for each core. ExecuTorch has one pool of threads for the whole process, so the
            first model decides, and where something else imported ExecuTorch's runtime before, its pool stays.

    Raises:
        KwsError: not an ExecuTorch model of kws, cut off or damaged; or ExecuTorch is missing, or of a version that
            can't run it.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        content = _unsealed(path)
        runtime = _open_runtime(path, threads)
        # Its C++ code writes messages to Python's stderr.
        with redirect_stderr(io.StringIO()) as said:
            try:
                # The program's methods read from it: it must live as long as they do.
                self._program = runtime.load_program(content)
                text = ""
                if METADATA_KEY in self._program.method_names:
                    text = self._program.load_method(METADATA_KEY).execute(())[0]
                self._forward = self._program.load_method("forward")
            except (RuntimeError, KeyError) as error:
                reason = "; ".join([str(error), *said.getvalue().splitlines()[-1:]])[:300]
                raise KwsError(
                    f"{path}: this version of ExecuTorch can't run it ({reason}); install the version that wrote it, or export it"
                    " again with `kws export --to executorch`"
                ) from error
        super().__init__(path, Metadata.from_json(text, str(path)))
        self._threads = threads

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path.absolute(), self._threads)

    @torch.no_grad()
    def run(self, waveform: Waveforms) -> Scores:
        """Return the output for waveforms (batch, …)."""
        clips = torch.from_numpy(np.ascontiguousarray(waveform))
        if len(clips) == 0:
            return np.zeros((0, *self._forward.metadata.output_tensor_meta(0).sizes()[1:]), np.float32)
        scores: Scores = torch.cat([self._forward.execute((clip[None],))[0] for clip in clips]).numpy()
        return scores


def sealed(program: bytes) -> bytes:
    """Return a program followed by its checksum.

    ExecuTorch looks for damage in its headers only, and some damage ends the process.
    """
    return program + hashlib.sha256(program).digest() + _SEAL


def _unsealed(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise KwsError(f"{path}: can't be read ({error.strerror or error}); give another file") from error
    program, digest = content[: -len(_SEAL) - 32], content[-len(_SEAL) - 32 : -len(_SEAL)]
    if not content.endswith(_SEAL):
        raise KwsError(
            f"{path}: does not end as an ExecuTorch model of kws does; it is cut off, or another kind of file;"
            " export it with `kws export --to executorch`"
        )
    if hashlib.sha256(program).digest() != digest:
        raise KwsError(f"{path}: is damaged, for its checksum does not fit; copy it again, or export it again with `kws export`")
    return program


def _open_runtime(path: Path, threads: int | None) -> Any:
    """Open ExecuTorch's runtime; set its threads where that is still possible."""
    library = "executorch.extension.pybindings.portable_lib"
    # Setting the pool frees the old one, to which loaded methods keep a pointer: set it only before any method exists.
    first = library not in sys.modules
    with suppress_warnings(*NOISY), redirect_stderr(io.StringIO()):  # it prints facts about the CPU
        try:
            from executorch.extension.pybindings import portable_lib
            from executorch.runtime import Runtime
        except ImportError as error:
            raise KwsError(f"{path}: needs ExecuTorch ({error}); install it with: pip install 'kws[executorch]'") from error
        if first and threads is not None:
            portable_lib._unsafe_reset_threadpool(threads)
    return Runtime.get()
