"""Steps of the original's training, timed when asked: a process that `training_speed.py` starts.

As in the example's train.py: each of the 100 clips of a step is read, decoded, shifted, mixed with noise and made to features by
a run of the session of its own, then one run takes the optimiser's step. The pictures and numbers that train.py writes for
TensorBoard, two pictures a clip, are made only with `--summaries`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from sides import answer

from original.clips import Clip, choose_sets
from original.graph import BINS, FRAMES, NETWORKS, SAMPLES, mfcc, session_config, spectrogram, tf1, variables

BATCH, SHIFT, NOISE_SHARE, NOISE_VOLUME = 100, 1600, 0.8, 0.1


class Training:
    """The graph, a session and the clips to draw from."""

    def __init__(self, root: Path, network: str, words: list[str], threads: int, summaries: Path | None = None) -> None:
        tf1.disable_eager_execution()
        self.rng = np.random.RandomState(0)
        self.clips = choose_sets(root, words)[0]
        self.voiced = next(path for path, _ in self.clips if path)
        self.writer, self.pictures, self.curves = None, [], []
        self._build(network, len(words) + 2)
        if summaries:
            self._summarise(summaries)
        self.session = tf1.Session(config=session_config(threads))
        self.session.run(tf1.global_variables_initializer())
        noises = sorted((root / "_background_noise_").glob("*.wav"))
        self.noises = [tf.io.read_file(str(path)) for path in noises]
        self.noises = self.session.run([tf.audio.decode_wav(sound, desired_channels=1).audio for sound in self.noises])
        # Once through all files: neither side waits for the disk.
        for path, _ in self.clips:
            if path:
                path.read_bytes()

    def _build(self, network: str, labels: int) -> None:
        self.name = tf1.placeholder(tf.string, [])
        sound = tf.audio.decode_wav(tf.io.read_file(self.name), desired_channels=1, desired_samples=SAMPLES).audio
        self.volume, self.noise_volume = tf1.placeholder(tf.float32, []), tf1.placeholder(tf.float32, [])
        self.padding, self.offset = tf1.placeholder(tf.int32, [2, 2]), tf1.placeholder(tf.int32, [2])
        shifted = tf.slice(tf.pad(sound * self.volume, self.padding), self.offset, [SAMPLES, -1])
        self.noise = tf1.placeholder(tf.float32, [SAMPLES, 1])
        self.spectrum = spectrogram(tf.clip_by_value(self.noise * self.noise_volume + shifted, -1.0, 1.0))
        self.features = mfcc(self.spectrum)
        self.inputs = tf1.placeholder(tf.float32, [None, FRAMES * BINS])
        self.labels, self.rate = tf1.placeholder(tf.int64, [None]), tf1.placeholder(tf.float32, [])
        logits = NETWORKS[network](self.inputs, variables, self.rate, labels)
        self.loss = tf1.losses.sparse_softmax_cross_entropy(labels=self.labels, logits=logits)
        self.accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), self.labels), tf.float32))
        self.train = tf1.train.GradientDescentOptimizer(0.001).minimize(self.loss)

    def _summarise(self, folder: Path) -> None:
        pictures = {"spectrogram": self.spectrum, "mfcc": self.features}
        images = [tf1.summary.image(name, picture[..., None], max_outputs=1) for name, picture in pictures.items()]
        scalars = [tf1.summary.scalar("cross_entropy", self.loss), tf1.summary.scalar("accuracy", self.accuracy)]
        self.pictures, self.curves = [tf1.summary.merge(images)], [tf1.summary.merge(scalars)]
        self.writer = tf1.summary.FileWriter(str(folder))

    def _run(self, nodes: list[tf.Tensor], summaries: list[tf.Tensor], fed: dict) -> list[np.ndarray]:
        """Run the nodes, and the summaries with them, which are written."""
        found = self.session.run([*nodes, *summaries], fed)
        for summary in found[len(nodes) :]:
            self.writer.add_summary(summary)
        return found[: len(nodes)]

    def step(self) -> None:
        """Draw a batch, make its features, take an optimiser's step."""
        clips = [self.clips[place] for place in self.rng.randint(len(self.clips), size=BATCH)]
        fed = {
            self.inputs: np.stack([self._hear(clip) for clip in clips]),
            self.labels: np.array([label for _, label in clips]),
            self.rate: 0.5,
        }
        self._run([self.accuracy, self.loss, self.train], self.curves, fed)

    def _hear(self, clip: Clip) -> np.ndarray:
        path, label = clip
        shift = self.rng.randint(-SHIFT, SHIFT)
        noise = self.noises[self.rng.randint(len(self.noises))]
        start = self.rng.randint(0, len(noise) - SAMPLES)
        if label == 0:
            volume = self.rng.uniform(0, 1)
        else:
            volume = self.rng.uniform(0, NOISE_VOLUME) if self.rng.uniform() < NOISE_SHARE else 0.0
        fed = {
            self.name: str(path or self.voiced),
            self.volume: float(label != 0),
            self.padding: [[max(shift, 0), max(-shift, 0)], [0, 0]],
            self.offset: [max(-shift, 0), 0],
            self.noise: noise[start : start + SAMPLES],
            self.noise_volume: volume,
        }
        return self._run([self.features], self.pictures, fed)[0].ravel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--network", choices=list(NETWORKS), required=True)
    parser.add_argument("--words", nargs="+", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--summaries", type=Path, help="folder for TensorBoard")
    args = parser.parse_args()
    training = Training(args.data, args.network, args.words, args.threads, args.summaries)
    for _ in range(2):
        training.step()

    def measure(request: dict) -> dict:
        steps, start = 0, time.perf_counter()
        while steps < request["least"] or time.perf_counter() - start < request["seconds"]:
            training.step()
            steps += 1
        return {"seconds": (time.perf_counter() - start) / steps}

    answer(measure)


if __name__ == "__main__":
    main()
