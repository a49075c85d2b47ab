"""Figures of clips, streams and evaluations, drawn with Matplotlib."""

from kws.plots.clip import clip_figure as clip_figure
from kws.plots.confusion import confusion_figure as confusion_figure
from kws.plots.det import det_figure as det_figure
from kws.plots.figure import save_figure as save_figure
from kws.plots.reliability import reliability_figure as reliability_figure
from kws.plots.sound import sound_figure as sound_figure
from kws.plots.stream import stream_figure as stream_figure
