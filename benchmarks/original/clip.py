"""Seconds of one clip in the original's network, timed when asked: a process that `clip_time.py` starts.

Three plain ways to run the network in TensorFlow, all with the features in the graph: `session`, of the frozen graph, as the
example's label_wav does; `function`, a tf.function; `lite`, the TFLite interpreter with the example's two audio operators.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from sides import answer

from original.graph import NETWORKS, SAMPLES, Constants, freeze, open_session, scores


def by_session(network: str, labels: int, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """A session of the frozen graph, its run made a callable."""
    session = open_session(freeze(network, labels), threads)
    return session.make_callable("labels_softmax:0", ["decoded_sample_data:0"])


def as_function(network: str, labels: int) -> tf.types.experimental.PolymorphicFunction:
    weights = Constants()
    return tf.function(
        lambda waveform: scores(waveform, network, weights, labels), input_signature=[tf.TensorSpec([SAMPLES, 1], tf.float32)]
    )


def by_function(network: str, labels: int) -> Callable[[np.ndarray], np.ndarray]:
    """A tf.function; its concrete function is called, which is the shorter way."""
    concrete = as_function(network, labels).get_concrete_function()
    return lambda clip: concrete(tf.constant(clip)).numpy()


def by_lite(network: str, labels: int, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """The TFLite interpreter, in float."""
    function = as_function(network, labels)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    converter.allow_custom_ops = True
    interpreter = tf.lite.Interpreter(model_content=converter.convert(), num_threads=threads)
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def score(clip: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(source, clip)
        interpreter.invoke()
        return interpreter.get_tensor(sink)

    return score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=list(NETWORKS), required=True)
    parser.add_argument("--labels", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    args = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    ways = {
        "session": by_session(args.network, args.labels, args.threads),
        "function": by_function(args.network, args.labels),
        "lite": by_lite(args.network, args.labels, args.threads),
    }
    clip = np.random.default_rng(0).uniform(-0.1, 0.1, (SAMPLES, 1)).astype(np.float32)
    first = ways["session"](clip)
    for name, score in ways.items():
        if not np.allclose(score(clip), first, atol=1e-4):
            raise SystemExit(f"{args.network}: `{name}` scores the clip otherwise than `session`")

    def measure(request: dict) -> dict:
        score, times = ways[request["way"]], []
        for _ in range(request["runs"]):
            start = time.perf_counter()
            score(clip)
            times.append(time.perf_counter() - start)
        return {"seconds": statistics.median(times)}

    answer(measure)


if __name__ == "__main__":
    main()
