"""The header of a WAV file: its format, and where its sound lies."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO

from kws.errors import KwsError

# Writers that cannot seek back (ffmpeg, sox, arecord in a pipe) leave 0 or a size near 2 or 4 GiB in the header.
_UNKNOWN_LENGTH = 0x7FFF0000
# The RIFF size, in 32 bits, counts the 36 bytes of header that follow it as well.
MOST_WAV_BYTES = 0xFFFFFFFF - 36


class AudioError(KwsError):
    """A sound file that can't be read, or is not what it says it is."""


@dataclass(frozen=True, slots=True)
class WavLayout:
    """Content of a RIFF header: the format, and the position of the sound in the file (bytes)."""

    plain: bool  # little-endian 16-bit PCM: the bytes in the file are the samples
    channels: int
    sample_rate: int
    offset: int
    size: int
    unclosed: bool  # the header says 0 bytes, but sound follows
    note: str = ""  # what is odd about it, for people


def wav_layout(file: BinaryIO, length: int, name: str) -> WavLayout | None:
    """Walk the chunks of a RIFF, RIFX or RF64 file up to the sound; None for every other file.

    libsndfile shortens a truncated file without a word, hence the walk.
    """
    if length == 0:
        raise AudioError(f"{name}: is empty (0 bytes); copy or record it again")
    head = file.read(12)
    if len(head) < 12 or head[:4] not in (b"RIFF", b"RIFX", b"RF64") or head[8:] != b"WAVE":
        return None
    order = ">" if head[:4] == b"RIFX" else "<"
    plain, channels, sample_rate, size64 = False, 0, 0, 0
    position = 12
    while len(header := file.read(8)) == 8:
        kind, size = header[:4], struct.unpack(order + "I", header[4:])[0]
        position += 8
        if kind == b"data":
            closed = 8 + struct.unpack(order + "I", head[4:8])[0] == length
            declared = size64 if size == 0xFFFFFFFF and size64 else size
            counted = _counts_header(declared, length - position, position, closed)
            found = length - position if counted else _sound_bytes(declared, length - position, closed, name)
            note = "its header counts itself as sound; all sound there is was read" if counted else ""
            return WavLayout(plain, channels, sample_rate, position, found, unclosed=declared == 0 < found, note=note)
        if kind == b"fmt " and size >= 16:
            fmt = file.read(26)
            code, channels, sample_rate, _, _, bits = struct.unpack(order + "HHIIHH", fmt[:16].ljust(16, b"\0"))
            # WAVE_FORMAT_EXTENSIBLE names the real format in the first two bytes of its GUID.
            code = fmt[24] if code == 0xFFFE and size >= 40 and len(fmt) == 26 else code
            plain = order == "<" and code == 1 and bits == 16
        elif kind == b"ds64":
            size64 = int.from_bytes(file.read(16)[8:], "little")
        position += size + size % 2
        file.seek(position)
    return None


def wav_header(size: int, sample_rate: int) -> bytes:
    """Return the header (44 bytes) of mono 16-bit PCM with `size` bytes of sound."""
    start = struct.pack("<4sI8sI", b"RIFF", 36 + size, b"WAVEfmt ", 16)
    return start + struct.pack("<HHIIHH4sI", 1, 1, sample_rate, 2 * sample_rate, 2, 16, b"data", size)


def _counts_header(declared: int, found: int, header: int, closed: bool) -> bool:
    """Return whether the declared data size is too large only because it counts the header, or a part of it.

    All is there where the size of the whole file is right; else only where exactly a header's worth is missing to much
    sound.
    """
    missing = declared - found
    if missing <= 0 or found == 0:
        return False
    return (closed and missing <= header) or (missing in (8, header - 8, header) and found > 100 * missing)


def _sound_bytes(declared: int, found: int, closed: bool, name: str) -> int:
    """Bytes of sound that are there, given those the header declares; `closed`: the RIFF size fits the file."""
    if declared <= found and (declared or closed):
        return declared
    if declared == 0 or declared >= _UNKNOWN_LENGTH:
        return found
    raise AudioError(f"{name}: is truncated: its header declares {declared} bytes of sound, {found} are there; copy or record it")


def with_length(file: BinaryIO, wav: WavLayout) -> io.BytesIO:
    """Return the file with its data size filled in: libsndfile would take an unclosed file's 0 literally."""
    file.seek(0)
    content = bytearray(file.read())
    struct.pack_into(">I" if content[:4] == b"RIFX" else "<I", content, wav.offset - 4, min(wav.size, 0xFFFFFFFF))
    return io.BytesIO(content)
