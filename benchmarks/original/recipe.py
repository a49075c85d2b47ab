"""The training and test of `tensorflow_recipe.py`: one run of the original's short recipe."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import tensorflow as tf

from original.clips import WORDS, Clip, choose_sets
from original.graph import BINS, FRAMES, SAMPLES, low_latency_conv, mfcc, spectrogram, tf1, variables

SHIFT = 1600


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
    node = {
        "waveform": tf1.placeholder(tf.float32, [SAMPLES, 1]),
        "features": tf1.placeholder(tf.float32, [None, FRAMES * BINS]),
        "labels": tf1.placeholder(tf.int64, [None]),
    }
    node |= {name: tf1.placeholder(tf.float32, []) for name in ("dropout", "rate")}
    node["mfcc"] = mfcc(spectrogram(node["waveform"]))
    logits = low_latency_conv(node["features"], variables, node["dropout"], len(WORDS) + 2)
    loss = tf1.losses.sparse_softmax_cross_entropy(labels=node["labels"], logits=logits)
    node["step"] = tf1.train.MomentumOptimizer(node["rate"], 0.9, use_nesterov=True).minimize(loss)
    node["answer"] = tf.argmax(logits, 1)
    return node


def run(root: Path, seed: int, steps: Sequence[int]) -> float:
    """Train, so many steps at 0.002 and at 0.0002, and test; percent right."""
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

        for step in range(sum(steps)):
            clips = [training[place] for place in rng.randint(len(training), size=100)]
            session.run(
                node["step"],
                {**batch(clips, True), node["dropout"]: 0.5, node["rate"]: 0.002 if step < steps[0] else 0.0002},
            )
        right = 0
        for first in range(0, len(testing), 100):
            fed = batch(testing[first : first + 100], False)
            right += int((session.run(node["answer"], {**fed, node["dropout"]: 0.0}) == fed[node["labels"]]).sum())
    return 100 * right / len(testing)
