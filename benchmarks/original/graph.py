"""The original's features and networks, as nodes of a TensorFlow graph.

Sizes and operators are those of the example's models.py and input_data.py. The memory of the SVDF layer, which is never written
and only costs time, is left out, in the original's favour.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

SAMPLES, FRAMES, BINS = 16000, 98, 40
RATE_HZ, WINDOW, STRIDE = 16000, 480, 160
tf1 = tf.compat.v1
# Makes the weights of a shape, with this standard deviation; 0: zeros.
Weights = Callable[[tuple[int, ...], float], tf.Tensor]
Network = Callable[[tf.Tensor, Weights, "tf.Tensor | None", int], tf.Tensor]


def variables(shape: tuple[int, ...], deviation: float) -> tf.Tensor:
    """Weights to be trained, in a graph of TensorFlow 1."""
    return tf1.Variable(tf.random.truncated_normal(shape, stddev=deviation) if deviation else tf.zeros(shape))


class Constants:
    """Weights of a frozen graph: made by NumPy from a seed, held as constants."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)

    def __call__(self, shape: tuple[int, ...], deviation: float) -> tf.Tensor:
        """Normal numbers."""
        return tf.constant((deviation * self._rng.standard_normal(shape)).astype(np.float32))


def spectrogram(waveform: tf.Tensor) -> tf.Tensor:
    """The power spectrum (1, frames, frequencies) of a waveform (samples, 1)."""
    return tf.raw_ops.AudioSpectrogram(input=waveform, window_size=WINDOW, stride=STRIDE, magnitude_squared=True)


def mfcc(spectrum: tf.Tensor) -> tf.Tensor:
    """Features (1, frames, bins) of a power spectrum."""
    return tf.raw_ops.Mfcc(spectrogram=spectrum, sample_rate=RATE_HZ, dct_coefficient_count=BINS)


def conv2d(x: tf.Tensor, weights: tf.Tensor, padding: str) -> tf.Tensor:
    """A convolution of stride 1."""
    return tf1.nn.conv2d(x, weights, [1, 1, 1, 1], padding)


def drop(x: tf.Tensor, rate: tf.Tensor | None) -> tf.Tensor:
    """Dropout in training, nothing where no rate is given."""
    return x if rate is None else tf.nn.dropout(x, rate=rate)


def dense(x: tf.Tensor, weights: Weights, outputs: int, deviation: float = 0.01) -> tf.Tensor:
    """A fully connected layer."""
    return tf.matmul(x, weights((int(x.shape[-1]), outputs), deviation)) + weights((outputs,), 0.0)


def single_fc(features: tf.Tensor, weights: Weights, rate: tf.Tensor | None, labels: int) -> tf.Tensor:
    """One fully connected layer."""
    return dense(features, weights, labels, 0.001)


def conv(features: tf.Tensor, weights: Weights, rate: tf.Tensor | None, labels: int) -> tf.Tensor:
    """Two convolutions with pooling between."""
    image = tf.reshape(features, [-1, FRAMES, BINS, 1])
    maps = drop(tf.nn.relu(conv2d(image, weights((20, 8, 1, 64), 0.01), "SAME") + weights((64,), 0.0)), rate)
    maps = tf.nn.max_pool2d(maps, 2, 2, "SAME")
    maps = drop(tf.nn.relu(conv2d(maps, weights((10, 4, 64, 64), 0.01), "SAME") + weights((64,), 0.0)), rate)
    return dense(tf.reshape(maps, [-1, FRAMES // 2 * BINS // 2 * 64]), weights, labels)


def low_latency_conv(features: tf.Tensor, weights: Weights, rate: tf.Tensor | None, labels: int) -> tf.Tensor:
    """One convolution as high as the clip is long, and three fully connected layers."""
    image = tf.reshape(features, [-1, FRAMES, BINS, 1])
    maps = tf.nn.relu(conv2d(image, weights((FRAMES, 8, 1, 186), 0.01), "VALID") + weights((186,), 0.0))
    hidden = drop(tf.reshape(maps, [-1, (BINS - 7) * 186]), rate)
    for _ in range(2):
        hidden = drop(dense(hidden, weights, 128), rate)
    return dense(hidden, weights, labels)


def low_latency_svdf(features: tf.Tensor, weights: Weights, rate: tf.Tensor | None, labels: int) -> tf.Tensor:
    """Filters of rank 2 over frequency and time, and three fully connected layers."""
    units, rank = 1280, 2
    in_frequency = tf.expand_dims(weights((BINS, units * rank), 0.01), 1)
    activations = tf.nn.conv1d(tf.expand_dims(features, 2), in_frequency, stride=BINS, padding="VALID")
    activations = tf.transpose(activations, [2, 0, 1])
    in_time = tf.expand_dims(weights((units * rank, FRAMES), 0.01), 2)
    outputs = tf.reshape(tf.matmul(activations, in_time), [units, rank, -1])
    hidden = drop(tf.nn.relu(tf.transpose(tf.reduce_sum(outputs, 1)) + weights((units,), 0.0)), rate)
    for _ in range(2):
        hidden = drop(dense(hidden, weights, 256), rate)
    return dense(hidden, weights, labels)


NETWORKS: dict[str, Network] = {
    "single_fc": single_fc,
    "low_latency_conv": low_latency_conv,
    "low_latency_svdf": low_latency_svdf,
    "conv": conv,
}


def scores(waveform: tf.Tensor, network: str, weights: Weights, labels: int) -> tf.Tensor:
    """Probabilities (1, labels) of a waveform (samples, 1)."""
    features = tf.reshape(mfcc(spectrogram(waveform)), [1, FRAMES * BINS])
    return tf.nn.softmax(NETWORKS[network](features, weights, None, labels))


def freeze(network: str, labels: int) -> tf1.GraphDef:
    """The graph that the original's freeze.py writes, with random weights: `decoded_sample_data` in, `labels_softmax` out."""
    with tf.Graph().as_default() as graph:
        waveform = tf1.placeholder(tf.float32, [SAMPLES, 1], name="decoded_sample_data")
        tf.identity(scores(waveform, network, Constants(), labels), name="labels_softmax")
        return graph.as_graph_def()


def open_session(frozen: tf1.GraphDef, threads: int) -> tf1.Session:
    """A session of a frozen graph."""
    with tf.Graph().as_default() as graph:
        tf1.import_graph_def(frozen, name="")
    return tf1.Session(graph=graph, config=session_config(threads))


def session_config(threads: int) -> tf1.ConfigProto:
    """So many threads in an operator, and so many operators at once."""
    return tf1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
