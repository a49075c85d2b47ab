"""The original's layers from their formulas, in float64 NumPy, with its layouts: maps (time, frequency, channel)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """SAME padding before and after, by the formula in TensorFlow's manual."""
    total = max(kernel - stride, 0) if size % stride == 0 else max(kernel - size % stride, 0)
    return total // 2, total - total // 2


def conv_same(maps: Array, weight: Array, bias: Array, stride: int = 1) -> Array:
    """Weights (time, frequency, in, out); zeros around, the smaller half first."""
    kernel = weight.shape[:2]
    padded = np.pad(maps, [padding(maps.shape[0], kernel[0], stride), padding(maps.shape[1], kernel[1], stride), (0, 0)])
    rows = range(0, padded.shape[0] - kernel[0] + 1, stride)
    columns = range(0, padded.shape[1] - kernel[1] + 1, stride)
    out = np.zeros((len(rows), len(columns), weight.shape[3]))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            piece = padded[row : row + kernel[0], column : column + kernel[1]]
            out[i, j] = np.tensordot(piece, weight, axes=3) + bias
    return out


def conv_valid(maps: Array, weight: Array, bias: Array) -> Array:
    kernel = weight.shape[:2]
    shape = (maps.shape[0] - kernel[0] + 1, maps.shape[1] - kernel[1] + 1, weight.shape[3])
    out = np.zeros(shape)
    for i in range(shape[0]):
        for j in range(shape[1]):
            out[i, j] = np.tensordot(maps[i : i + kernel[0], j : j + kernel[1]], weight, axes=3) + bias
    return out


def max_pool(maps: Array) -> Array:
    """2×2 with SAME padding: at an odd end what there is."""
    out = np.zeros((-(-maps.shape[0] // 2), -(-maps.shape[1] // 2), maps.shape[2]))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = maps[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max(axis=(0, 1))
    return out


def svdf(features: Array, weights_frequency: Array, weights_time: Array, bias: Array) -> Array:
    """Filters over frequency (bins, filters), then over time (filters, frames); two filters a unit."""
    frames, filters = features.shape[0], weights_time.shape[0]
    out = np.zeros(filters)
    for m in range(filters):
        over_time = [float(features[t] @ weights_frequency[:, m]) for t in range(frames)]
        out[m] = sum(weights_time[m, t] * over_time[t] for t in range(frames))
    return np.array([out[2 * k] + out[2 * k + 1] for k in range(filters // 2)]) + bias


def relu(values: Array) -> Array:
    return np.maximum(values, 0)


def network(kind: str, clip: Array, w: dict[str, Array]) -> Array:
    """Logits of a clip's features (frames, bins) with the original's variables, in evaluation."""
    maps = clip[:, :, None]
    if kind == "SingleFc":
        return clip.reshape(-1) @ w["weights"] + w["bias"]
    if kind == "TinyConv":
        hidden = relu(conv_same(maps, w["first_weights"], w["first_bias"], stride=2))
    elif kind == "TinyEmbeddingConv":
        hidden = relu(conv_same(maps, w["first_weights"], w["first_bias"], stride=2))
        hidden = relu(conv_same(hidden, w["second_weights"], w["second_bias"], stride=8))
    elif kind == "Conv":
        hidden = max_pool(relu(conv_same(maps, w["first_weights"], w["first_bias"])))
        hidden = relu(conv_same(hidden, w["second_weights"], w["second_bias"]))
    else:
        if kind == "LowLatencyConv":
            hidden = relu(conv_valid(maps, w["first_weights"], w["first_bias"]))
        else:
            hidden = relu(svdf(clip, w["weights_frequency"], w["weights_time"], w["bias"]))
        hidden = hidden.reshape(-1) @ w["first_fc_weights"] + w["first_fc_bias"]
        hidden = hidden @ w["second_fc_weights"] + w["second_fc_bias"]
    return hidden.reshape(-1) @ w["final_fc_weights"] + w["final_fc_bias"]
