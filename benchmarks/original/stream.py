"""The original's test_streaming_accuracy: a frozen graph run for each window of a recording, and the decoder.

# in benchmarks/
python -m original.stream GRAPH.pb --freeze low_latency_conv
python -m original.stream GRAPH.pb WAV --threads 2
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import tensorflow as tf

from original.decoder import Decoder
from original.graph import NETWORKS, RATE_HZ, SAMPLES, freeze, open_session, session_config, tf1


def listen(graph: Path, wav: Path, threads: int, stride_ms: int) -> dict[str, float]:
    """Score every window; the count of windows and detections, and the seconds of the loop alone."""
    frozen = tf1.GraphDef()
    frozen.ParseFromString(graph.read_bytes())
    with tf.Graph().as_default(), tf1.Session(config=session_config(threads)) as session:
        sound = session.run(tf.audio.decode_wav(tf.io.read_file(str(wav)), desired_channels=1).audio)
    decoder, windows, found = Decoder(), 0, 0
    stride = stride_ms * RATE_HZ // 1000
    with open_session(frozen, threads) as session:
        start = time.perf_counter()
        for place in range(0, len(sound) - SAMPLES, stride):
            fed = {"decoded_sample_data:0": sound[place : place + SAMPLES]}
            label, _, new = decoder.hear(session.run("labels_softmax:0", fed)[0], place * 1000 // RATE_HZ)
            windows += 1
            found += new and label != 0
        return {"windows": windows, "found": found, "loop_s": time.perf_counter() - start}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", type=Path)
    parser.add_argument("wav", type=Path, nargs="?")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stride-ms", type=int, default=30)
    parser.add_argument("--freeze", choices=list(NETWORKS), help="write the graph of this network with random weights")
    parser.add_argument("--labels", type=int, default=10)
    args = parser.parse_args()
    if args.freeze:
        args.graph.write_bytes(freeze(args.freeze, args.labels).SerializeToString())
        return
    print(json.dumps(listen(args.graph, args.wav, args.threads, args.stride_ms)))


if __name__ == "__main__":
    main()
