"""Measure a model: predictions, confusion matrix, calibration, words held out of training. NumPy only."""

from kws.evaluation.calibration import Reliability as Reliability
from kws.evaluation.confusion import Confusion as Confusion
from kws.evaluation.predictions import Predictions as Predictions
from kws.evaluation.predictions import evaluate as evaluate
from kws.evaluation.predictions import predict_dataset as predict_dataset
