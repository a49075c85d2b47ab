"""Keyword spotting in streams: decoder, spotter, live session, recorder, microphone. NumPy only."""

from kws.streaming.decoder_settings import DecoderSettings as DecoderSettings
from kws.streaming.events import Detection as Detection
from kws.streaming.events import SpokenWord as SpokenWord
from kws.streaming.live_session import LiveSession as LiveSession
from kws.streaming.spotter import Spotter as Spotter
