"""Trained models, whatever kind of file they are in. An ONNX file needs no torch, and nothing needs Lightning."""

from kws.inference.loading import load as load
from kws.inference.loading import open_scorer as open_scorer
from kws.inference.metadata import Metadata as Metadata
from kws.inference.model import Model as Model
