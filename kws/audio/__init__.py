"""Sound: read, write, convert, resample, cut to a clip. NumPy only."""

from kws.audio.cutting import fit_clip as fit_clip
from kws.audio.framing import FeatureSpec as FeatureSpec
from kws.audio.io import find_audio as find_audio
from kws.audio.io import fit_length as fit_length
from kws.audio.io import read_audio as read_audio
from kws.audio.io import to_float as to_float
from kws.audio.io import to_int16 as to_int16
from kws.audio.io import write_wav as write_wav
from kws.audio.resampler import Resampler as Resampler
from kws.audio.wav_header import AudioError as AudioError
