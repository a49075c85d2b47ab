"""The original's short recipe in TensorFlow's own operators: what accuracy it gives, and how far that varies by seed.

    pip install tensorflow-cpu soundfile numpy       # in an environment of its own
    python benchmarks/tensorflow_recipe.py FOLDER SEED

low_latency_conv on 8 words, batch 100 drawn with repetition, unknown words drawn once, Nesterov momentum, 2,000 steps at
0.002 and 500 at 0.0002, tested with the last weights. Splits, draws and augmentation are written after the original's
input_data.py, spectrogram, MFCC, network and optimiser are TensorFlow's. Nothing of kws is used. The same in kws:

    python train.py data=folder data.source.root=FOLDER words=[yes,no,up,down,left,right,stop,go] split=listed \\
        optim=nesterov optim.lr=0.002 schedule.steps=[2000,500] test_weights=last seed=SEED
"""

from __future__ import annotations

import hashlib
import math
import random
import re
import sys
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import tensorflow as tf

WORDS = ("yes", "no", "up", "down", "left", "right", "stop", "go")
SAMPLES, SHIFT = 16000, 1600
Clip = tuple[Path | None, int]
tf1 = tf.compat.v1


def split_of(path: Path) -> int:
    """0 training, 1 validation, 2 testing, at 10 % + 10 %."""
    speaker = re.sub(r"_nohash_.*$", "", path.name)
    percent = int(hashlib.sha1(speaker.encode()).hexdigest(), 16) % 2**27 * (100.0 / (2**27 - 1))
    return 1 if percent < 10 else 2 if percent < 20 else 0


def choose_sets(root: Path) -> list[list[Clip]]:
    """Clips and labels of the three sets, with unknown words and silence, 10 % each."""
    rng = random.Random(59185)
    wanted: list[list[Clip]] = [[], [], []]
    unknown: list[list[Clip]] = [[], [], []]
    for path in sorted(root.glob("[!_.]*/*.wav")):
        word = path.parent.name
        sets, label = (wanted, WORDS.index(word) + 2) if word in WORDS else (unknown, 1)
        sets[split_of(path)].append((path, label))
    chosen = []
    for own, others in zip(wanted, unknown, strict=True):
        share = math.ceil(len(own) / 10)
        rng.shuffle(others)
        chosen.append([*own, *[(None, 0)] * share, *others[:share]])
    return chosen


@cache
def read(path: Path | None) -> np.ndarray:
    clip = np.zeros(SAMPLES, np.float32)
    if path is not None:
        sound = soundfile.read(path, dtype="float32")[0][:SAMPLES]
        clip[: len(sound)] = sound
    return clip


def hear(clips: list[Clip], noises: list[np.ndarray], rng: np.random.RandomState, training: bool) -> np.ndarray:
    """Waveforms (clips, samples), in training shifted and with noise; silence has noise always."""
    waveforms = np.stack([read(path) for path, _ in clips])
    for waveform, (_, label) in zip(waveforms, clips, strict=True):
        if training and (shift := rng.randint(-SHIFT, SHIFT)):
            waveform[:] = np.roll(waveform, shift)
            waveform[slice(0, shift) if shift > 0 else slice(shift, None)] = 0
        if training or label == 0:
            noise = noises[rng.randint(len(noises))]
            start = rng.randint(0, len(noise) - SAMPLES)
            volume = rng.uniform(0, 1) if label == 0 else rng.uniform(0, 0.1) if rng.uniform() < 0.8 else 0.0
            waveform[:] = np.clip(waveform * (label != 0) + noise[start : start + SAMPLES] * volume, -1, 1)
    return waveforms


def build() -> dict[str, tf.Tensor]:
    """The graph: one waveform to features, a batch of features to logits and an optimiser step."""
    node = {"waveform": tf1.placeholder(tf.float32, [SAMPLES, 1]), "features": tf1.placeholder(tf.float32, [None, 3920])}
    node |= {"labels": tf1.placeholder(tf.int64, [None])}
    node |= {name: tf1.placeholder(tf.float32, []) for name in ("dropout", "rate")}
    spectrum = tf.raw_ops.AudioSpectrogram(input=node["waveform"], window_size=480, stride=160, magnitude_squared=True)
    node["mfcc"] = tf.raw_ops.Mfcc(spectrogram=spectrum, sample_rate=16000, dct_coefficient_count=40)

    def weights(*shape: int) -> tf.Variable:
        return tf1.Variable(tf.random.truncated_normal(shape, stddev=0.01))

    image = tf.reshape(node["features"], [-1, 98, 40, 1])
    maps = tf.nn.relu(tf1.nn.conv2d(image, weights(98, 8, 1, 186), [1, 1, 1, 1], "VALID") + tf1.Variable(tf.zeros(186)))
    hidden = tf.reshape(tf.nn.dropout(maps, rate=node["dropout"]), [-1, 33 * 186])
    for inputs, outputs in ((33 * 186, 128), (128, 128)):
        hidden = tf.nn.dropout(
            tf.matmul(hidden, weights(inputs, outputs)) + tf1.Variable(tf.zeros(outputs)), rate=node["dropout"]
        )
    logits = tf.matmul(hidden, weights(128, len(WORDS) + 2)) + tf1.Variable(tf.zeros(len(WORDS) + 2))
    loss = tf1.losses.sparse_softmax_cross_entropy(labels=node["labels"], logits=logits)
    node["step"] = tf1.train.MomentumOptimizer(node["rate"], 0.9, use_nesterov=True).minimize(loss)
    node["answer"] = tf.argmax(logits, 1)
    return node


def main() -> None:
    root, seed = Path(sys.argv[1]), int(sys.argv[2])
    tf1.disable_eager_execution()
    tf1.set_random_seed(seed)
    rng = np.random.RandomState(seed)
    training, _, testing = choose_sets(root)
    noises = [soundfile.read(path, dtype="float32")[0] for path in sorted((root / "_background_noise_").glob("*.wav"))]
    node = build()
    with tf1.Session() as session:
        session.run(tf1.global_variables_initializer())

        def batch(clips: list[Clip], augment: bool) -> dict[tf.Tensor, np.ndarray]:
            heard = hear(clips, noises, rng, augment)
            features = [session.run(node["mfcc"], {node["waveform"]: waveform[:, None]}).ravel() for waveform in heard]
            return {node["features"]: np.stack(features), node["labels"]: np.array([label for _, label in clips])}

        for step in range(2500):
            clips = [training[place] for place in rng.randint(len(training), size=100)]
            session.run(
                node["step"], {**batch(clips, True), node["dropout"]: 0.5, node["rate"]: 0.002 if step < 2000 else 0.0002}
            )
        right = 0
        for first in range(0, len(testing), 100):
            fed = batch(testing[first : first + 100], False)
            right += int((session.run(node["answer"], {**fed, node["dropout"]: 0.0}) == fed[node["labels"]]).sum())
    print(f"seed {seed}: test accuracy {100 * right / len(testing):.2f} % of {len(testing)} clips")


if __name__ == "__main__":
    main()
