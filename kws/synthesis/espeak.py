"""eSpeak NG through ctypes: which voices there are, and the engine that speaks with them."""

from __future__ import annotations

import _ctypes
import ctypes
import difflib
import importlib
import os
import sys
import tempfile
import threading
from pathlib import Path
from types import ModuleType, TracebackType

import numpy as np
from numpy.typing import NDArray

from kws.errors import KwsError

NATIVE_HZ = 22050
SLOWEST_WPM, FASTEST_WPM = 80, 450

# Values of speak_lib.h.
_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_POSITION_CHARACTER = 1
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
# At the default of 100 the louder voices clip.
_QUIET = 50
_LONGEST_SAMPLES = 60 * NATIVE_HZ
# A file system in memory, where there is one: hundreds of links are made and removed in a moment.
_MEMORY = "/dev/shm"
# Other ways of writing a language: they read the usual spelling letter by letter.
_OTHER_SCRIPTS = ("-latn", "-shaw")

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_one_engine = threading.Lock()


def _loader() -> ModuleType:
    try:
        return importlib.import_module("espeakng_loader")
    except ImportError as error:
        raise KwsError("making speech needs eSpeak NG, which is not there; install with: pip install 'kws[synthesis]'") from error


def _data_folder() -> Path:
    return Path(_loader().get_data_path())


def variants() -> tuple[str, ...]:
    """Names of the voice variants, such as `f3`: each changes an accent into another person.

    Raises:
        KwsError: eSpeak NG is not installed.
    """
    return tuple(sorted(path.name for path in (_data_folder() / "voices" / "!v").iterdir()))


def accents(language: str) -> tuple[str, ...]:
    """List the voice files of a language and of its regions, such as `gmw/en-US` for `en`.

    Args:
        language: a code such as `en`, `en-us`, `de` or `zh`, in any case.

    Raises:
        KwsError: no such language, or eSpeak NG is not installed.
    """
    wanted = language.strip().lower().replace("_", "-")
    named = _language_codes()
    odd = [script for script in _OTHER_SCRIPTS if script not in wanted]
    usual = [path for path in named if not any(script in path.lower() for script in odd)]
    found = [path for path in usual if named[path][0] == wanted or named[path][0].startswith(wanted + "-")]
    if not found:
        # A second name: the first voice that has it, for the others are usually other languages (zh: Mandarin, then
        # Cantonese).
        found = [path for path, codes in named.items() if wanted in codes[1:]][:1]
    if not found:
        known = sorted({code for codes in named.values() for code in codes})
        near = difflib.get_close_matches(wanted, known, n=5, cutoff=0.5)
        some = sorted({*near, "de", "en", "en-us", "es", "fr", "it", "pt", "ru", "zh"} & set(known))
        raise KwsError(f"language: eSpeak NG has no {language!r}; give one of its {len(known)} codes, such as {', '.join(some)}")
    return tuple(found)


def _language_codes() -> dict[str, list[str]]:
    """Voice file → its language codes, the chief one first."""
    folder = _data_folder() / "lang"
    named = {}
    for path in sorted(folder.glob("*/*")):
        lines = path.read_text(encoding="utf-8").splitlines()
        codes = [line.split()[1].lower() for line in lines if line.startswith("language ")]
        if codes:
            named[path.relative_to(folder).as_posix()] = codes
    return named


def _in_lower_case(data: Path, home: Path) -> Path:
    """Lay out the data folder again, as links, with the names of voice files in lower case.

    The library asks for them so, and where it does not find them, it reads all 230 voice files first, at each start.
    """
    if sys.platform == "win32":
        return data
    for path in data.iterdir():
        if path.name != "lang":
            (home / path.name).symlink_to(path)
    for path in (data / "lang").glob("*/*"):
        link = home / path.relative_to(data).as_posix().lower()
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    return home


class Engine:
    """The synthesiser. One a process at a time, and for one thread: eSpeak NG keeps all it knows in global variables.

    Use it as a context manager.

    Raises:
        KwsError: eSpeak NG is not installed or does not start.
        RuntimeError: another engine is open in this process.
    """

    def __init__(self) -> None:
        self._path, data = str(_loader().get_library_path()), _data_folder()
        if not _one_engine.acquire(blocking=False):
            raise RuntimeError("another Engine is open in this process; eSpeak NG can't run twice in one")
        try:
            self._home = tempfile.TemporaryDirectory(prefix="kws-espeak-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None)
            self._data = _in_lower_case(data, Path(self._home.name))
        except BaseException as error:
            _one_engine.release()
            if isinstance(error, OSError):
                raise KwsError(f"eSpeak NG's list of voices can't be laid out ({error}); make room, or set TMPDIR") from error
            raise
        self._sound = bytearray()
        # Kept here, for the library calls it long after this line.
        self._callback = _Callback(self._receive)
        self._library: ctypes.CDLL | None = None
        self._open()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Unload the library; the engine can't speak after that."""
        if self._library is not None:
            self._stop()
            self._home.cleanup()
            _one_engine.release()

    def renew(self, seed: int = 0) -> None:
        """Forget all that was said (about 1 ms), and seed the noise of breath.

        The library carries the phase of its pitch flutter and its gain from one word to the next and resets them only
        when it is loaded. After `renew` with the same seed the same calls give the same samples, whatever was said.
        Where the system does not really unload a library, they differ by what no one hears.
        """
        self._stop()
        self._open(seed)

    def say(self, text: str, accent: str, variant: str, *, rate_wpm: int, pitch: int, pitch_range: int) -> NDArray[np.int16]:
        """Speak a text.

        Args:
            accent: a voice file, from `accents`.
            variant: from `variants`.
            rate_wpm: words a minute, 80 to 450; 175 is usual.
            pitch: 0 to 99; 50 is the voice's own, 99 an octave above.
            pitch_range: 0 (monotone) to 99.

        Returns:
            int16 (samples,) at 22,050 Hz; empty when there is nothing to say.

        Raises:
            KwsError: no such voice, or the library fails.
        """
        voice, library = f"{accent}+{variant}", self._library
        if library is None:
            raise RuntimeError("the engine is closed")
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise KwsError(f"voice: eSpeak NG has no {voice!r}; take an accent and a variant that it lists")
        for parameter, value in ((_RATE, rate_wpm), (_VOLUME, _QUIET), (_PITCH, pitch), (_RANGE, pitch_range)):
            library.espeak_SetParameter(parameter, int(value), 0)
        self._sound = bytearray()
        encoded = text.encode()
        status = library.espeak_Synth(encoded, len(encoded) + 1, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None)
        if status != 0:
            raise KwsError(f"eSpeak NG could not say {text!r} with the voice {voice!r} (its status is {status})")
        return np.frombuffer(self._sound, np.int16)

    def phonemes(self, text: str, accent: str) -> str:
        """Return a text's pronunciation in eSpeak's phoneme letters, with stress marks.

        Raises:
            KwsError: no such voice.
        """
        library = self._library
        if library is None:
            raise RuntimeError("the engine is closed")
        if library.espeak_SetVoiceByName(accent.encode()) != 0:
            raise KwsError(f"voice: eSpeak NG has no {accent!r}; take an accent that it lists")
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        place = ctypes.c_char_p(text.encode())
        said: bytes | None = library.espeak_TextToPhonemes(ctypes.byref(place), _CHARS_UTF8, 0)
        return (said or b"").decode().strip()

    def _receive(self, samples: int | None, count: int, events: int | None) -> int:
        """Take a piece of sound from the library; 1 tells it to stop."""
        if samples and count > 0:
            self._sound += ctypes.string_at(samples, 2 * count)
        return int(len(self._sound) > 2 * _LONGEST_SAMPLES)

    def _open(self, seed: int = 0) -> None:
        try:
            self._library = self._start()
            self._library.espeak_ng_SetRandSeed(ctypes.c_long(seed))
        except BaseException:
            _one_engine.release()
            raise

    def _start(self) -> ctypes.CDLL:
        try:
            library = ctypes.CDLL(self._path)
        except OSError as error:
            raise KwsError(f"{self._path}: eSpeak NG can't be loaded ({error}); reinstall espeakng-loader") from error
        integer, flags, text, pointer = ctypes.c_int, ctypes.c_uint, ctypes.c_char_p, ctypes.c_void_p
        library.espeak_Initialize.argtypes = [integer, integer, text, integer]
        library.espeak_Synth.argtypes = [text, ctypes.c_size_t, flags, integer, flags, flags, pointer, pointer]
        if library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 0, str(self._data).encode(), _DONT_EXIT) != NATIVE_HZ:
            raise KwsError(f"{self._data}: eSpeak NG does not start from this folder; reinstall espeakng-loader")
        library.espeak_SetSynthCallback(self._callback)
        return library

    def _stop(self) -> None:
        library, self._library = self._library, None
        if library is None:
            return
        library.espeak_Terminate()
        if sys.platform == "win32":
            _ctypes.FreeLibrary(library._handle)
        else:
            _ctypes.dlclose(library._handle)
