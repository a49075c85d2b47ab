"""Unknown clips made of keywords: what they hold, how many there are, and that the seed decides them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sounds import bank_of, seeded
from torch import Tensor

from kws.augment.augment import Augment, BackgroundNoise
from kws.augment.negatives import Negatives
from kws.errors import KwsError

WORDS = ("yes", "no", "go", "up")
RATE = 16000


def tones(labels: list[int], places: list[int] | None = None, level: float = 8000) -> Tensor:
    """A clip for each label, int16: 0.4 s of the label's own frequency at its place; silence where the label is 0."""
    time = np.arange(6400) / RATE
    clips = np.zeros((len(labels), RATE), dtype=np.int16)
    for row, label in enumerate(labels):
        start = 4800 if places is None else places[row]
        if label:
            clips[row, start : start + 6400] = level * np.sin(2 * np.pi * 400 * label * time)
    return torch.from_numpy(clips)


def heard(piece: Tensor) -> dict[int, float]:
    """RMS of each label's frequency in a piece of sound (samples,)."""
    samples = piece.double().numpy()
    time = np.arange(len(samples)) / RATE
    return {label: float(np.abs(np.mean(samples * np.exp(-2j * np.pi * 400 * label * time))) * 2**0.5) for label in range(1, 6)}


def loud(piece: Tensor) -> set[int]:
    return {label for label, level in heard(piece).items() if level > 1000}


LABELS = [0, 1, 1, *([2, 3, 4, 5] * 5)]


@pytest.mark.parametrize(
    ("shares", "count"),
    [((0, 0, 0), 0), ((50, 0, 0), 10), ((0, 50, 0), 10), ((0, 0, 12), 2), ((10, 20, 30), 12), ((100, 100, 100), 60)],
)
def test_so_many_are_made_of_the_keywords(shares: tuple[float, float, float], count: int) -> None:
    made = Negatives(WORDS, *shares)(tones(LABELS), torch.tensor(LABELS), seeded())
    assert made.shape == (count, RATE)
    assert made.dtype == torch.int16
    # Neither of silence nor of other unknown words.
    assert all(loud(clip) and loud(clip) <= {2, 3, 4, 5} for clip in made)


def test_a_keyword_backwards() -> None:
    clips = tones([2, 3, 4])
    made = Negatives(WORDS, reversed_percentage=100)(clips, torch.tensor([2, 3, 4]), seeded())
    assert {tuple(clip.flip(0).tolist()) for clip in made} == {tuple(clip.tolist()) for clip in clips}


def test_a_splice_is_one_word_up_to_its_middle_and_then_another() -> None:
    labels = [2, 3, 5] * 20
    places = np.random.default_rng(0).integers(800, 8800, 60).tolist()
    made = Negatives(WORDS, spliced_percentage=100)(tones(labels, places), torch.tensor(labels), seeded())
    assert len(made) == 60
    for clip in made:
        sounding = clip.abs().gt(100).nonzero()[:, 0]
        # Both middles at one place: the whole is as long as a word, give or take the frames that the energy is measured in.
        assert len(range(int(sounding[0]), int(sounding[-1]))) == pytest.approx(6400, abs=350)
        middle = int(sounding[0]) + 3200
        first, second = loud(clip[middle - 2400 : middle - 400]), loud(clip[middle + 400 : middle + 2400])
        assert len(first) == len(second) == 1
        assert first != second


def test_a_splice_has_one_loudness() -> None:
    labels = torch.tensor([2, 3])
    clips = torch.cat([tones([2], level=4000), tones([3], level=10000)])
    for clip in Negatives(WORDS, spliced_percentage=100)(clips, labels, seeded()):
        middle = RATE // 2
        before, after = (
            float(piece.float().square().mean().sqrt())
            for piece in (clip[middle - 2400 : middle - 400], clip[middle + 400 : middle + 2400])
        )
        assert after == pytest.approx(before, rel=0.05)


def test_a_soft_partner_is_not_made_louder_than_its_noise_bears() -> None:
    clips = torch.cat([tones([2], level=20000), tones([3], level=100)])
    made = Negatives(WORDS, spliced_percentage=100)(clips, torch.tensor([2, 3]), seeded())
    assert min(max(heard(clip[8400:10400]).values()) for clip in made) < 400


def test_a_mix_has_two_words_equally_loud() -> None:
    labels = [2, 3, 4, 5] * 5
    clips = tones(labels)
    for clip in Negatives(WORDS, mixed_percentage=100)(clips, torch.tensor(labels), seeded()):
        levels = sorted(heard(clip[5600:10400]).values())
        assert levels[-1] == pytest.approx(levels[-2], rel=0.05)
        assert levels[-3] < 0.02 * levels[-1]
        assert float(clip[5600:10400].float().square().mean().sqrt()) == pytest.approx(8000 / 2**0.5, rel=0.05)


def test_words_that_are_alike_are_never_put_together() -> None:
    labels = [2, 3, 4, 5] * 20
    make = Negatives(WORDS, spliced_percentage=100, mixed_percentage=100, alike=[["go", "no"], ["up", "yes"], ["up", "lamp"]])
    made = make(tones(labels), torch.tensor(labels), seeded())
    pairs = {frozenset(loud(clip[5600:10400])) for clip in made}
    assert pairs == {frozenset(pair) for pair in ((2, 3), (2, 4), (3, 5), (4, 5))}


@pytest.mark.parametrize("labels", [[0, 1, 1], [2, 2, 2], []])
def test_no_partner_no_pair(labels: list[int]) -> None:
    made = Negatives(WORDS, 0, 100, 100)(tones(labels), torch.tensor(labels, dtype=torch.int64), seeded())
    assert made.shape == (0, RATE)


def test_the_seed_decides() -> None:
    make, clips, labels = Negatives(WORDS, 20, 20, 20), tones(LABELS), torch.tensor(LABELS)
    before = clips.clone()
    first = make(clips, labels, seeded(1))
    torch.manual_seed(5)
    assert torch.equal(make(clips, labels, seeded(1)), first)
    assert not torch.equal(make(clips, labels, seeded(2)), first)
    assert torch.equal(clips, before)


def test_digital_silence_and_full_scale_make_clips_too() -> None:
    clips = torch.cat([torch.zeros(2, RATE, dtype=torch.int16), torch.full((2, RATE), 32767, dtype=torch.int16)])
    made = Negatives(WORDS, 100, 100, 100)(clips, torch.tensor([2, 3, 4, 5]), seeded())
    assert len(made) == 12


# In a batch


def test_a_batch_is_extended_with_unknown_clips() -> None:
    augment = Augment(noise=BackgroundNoise(0, 0), negatives=Negatives(WORDS, 20, 20, 20))
    clips, labels = tones(LABELS), torch.tensor(LABELS)
    more, names, silent = augment.extend(clips, labels, labels == 0, seeded())
    assert more.shape == (len(LABELS) + 12, RATE)
    assert torch.equal(more[: len(LABELS)], clips)
    assert names.tolist() == [*LABELS, *([1] * 12)]
    assert silent.tolist() == [True] + [False] * (len(LABELS) + 11)
    waveform = augment(more, silent, bank_of(torch.zeros(RATE)), seeded())
    assert waveform.shape == more.shape


def test_without_negatives_a_batch_stays_as_it_is() -> None:
    clips, labels, generator = tones(LABELS), torch.tensor(LABELS), seeded()
    state = generator.get_state()
    assert all(
        one is other for one, other in zip(Augment().extend(clips, labels, labels == 0, generator), (clips, labels), strict=False)
    )
    assert torch.equal(generator.get_state(), state)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"reversed_percentage": -1}, r"augment\.negatives\.reversed_percentage: -1 given; 0 to 100 expected, in percent"),
        ({"spliced_percentage": 101}, r"augment\.negatives\.spliced_percentage: 101"),
        ({"mixed_percentage": float("nan")}, r"augment\.negatives\.mixed_percentage: nan"),
        ({"fade_ms": 0}, r"augment\.negatives\.fade_ms: 0 makes no sense"),
        ({"alike": ["no"]}, r"augment\.negatives\.alike: no given; pairs of words"),
        ({"alike": [["no", False]]}, r"augment\.negatives\.alike: .* pairs of words"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(KwsError, match=said):
        Negatives(WORDS, **settings)  # type: ignore[arg-type]
