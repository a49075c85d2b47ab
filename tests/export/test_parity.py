"""What the comparison measures, on models whose difference is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from exported import make_model

from kws.export.parity import ParityReport, SignalParity, clip_ms, compare
from kws.export.probes import hard_signals
from kws.inference.checkpoint import WaveformModel
from kws.inference.model import ExportedModel, Scores, Waveforms


class Off(ExportedModel):
    """The checkpoint itself, with its first probability off by so much."""

    def __init__(self, model: WaveformModel, off: float) -> None:
        super().__init__(Path("off"), model.metadata)
        self.model, self.off, self.calls = model, off, 0

    def run(self, waveform: Waveforms) -> Scores:
        self.calls += 1
        scores = self.model.score(waveform)
        scores[:, 0] += self.off
        return scores


NOISE = {"noise": np.random.default_rng(0).uniform(-0.1, 0.1, (60, 16000)).astype(np.float32)}


@pytest.mark.parametrize(("off", "passed"), [(0.0, True), (0.9e-4, True), (1.2e-4, False), (float("nan"), False)])
def test_the_limit_is_a_ten_thousandth(off: float, passed: bool) -> None:
    model = make_model()
    (row,) = compare(model, Off(model, off), NOISE)
    assert (row.kind, row.clips, row.passed) == ("noise", 60, passed)
    assert row.difference == pytest.approx(abs(off), abs=1e-7, nan_ok=True)


def test_rounding_widens_the_limit_only_where_it_acts() -> None:
    model = make_model("single_fc")
    signals = hard_signals(model.spec)
    rows = {row.kind: row for row in compare(model, Off(model, 2e-4), signals)}
    assert rows["highest frequency"].rounding > 1e-4
    assert rows["highest frequency"].passed
    for kind in ("silence", "white noise", "voice", "one sample", "faint noise"):
        assert rows[kind].rounding < 1e-5
        assert not rows[kind].passed


def test_agreement_is_of_the_likeliest_label() -> None:
    model = make_model()
    (row,) = compare(model, Off(model, 10.0), NOISE)
    right = model.score(NOISE["noise"]).argmax(axis=1) == 0
    assert row.agreement == pytest.approx(right.mean())
    assert 0 < row.agreement < 1


def test_time_of_a_clip_counts_only_warm_runs_and_leaves_the_threads_alone() -> None:
    model, threads = make_model(), torch.get_num_threads()
    candidate = Off(model, 0.0)
    assert clip_ms(candidate, runs=5, warm_up=3) > 0
    assert candidate.calls == 8
    assert torch.get_num_threads() == threads


def report(quantised: bool, accuracy: float, difference_passed: bool = True) -> ParityReport:
    row = SignalParity("noise", 4, 0.01, 1e-7, 1.0, difference_passed)
    return ParityReport("m.onnx", "onnx", (row,), quantised, 1000, accuracy, 0.9, 1234, 0.5)


def test_whole_numbers_may_lose_half_a_point() -> None:
    assert report(True, 0.896, difference_passed=False).passed
    assert report(True, 0.95, difference_passed=False).passed
    assert not report(True, 0.894).passed
    assert not report(False, 0.9, difference_passed=False).passed


def test_text_and_json_say_the_same() -> None:
    found = report(True, 0.894)
    assert found.to_dict()["passed"] is False
    assert found.to_dict()["signals"][0]["difference"] == 0.01
    text = found.to_text()
    assert "1,234 bytes, 0.50 ms a clip" in text
    assert "accuracy 89.40 % of 1000 clips, the checkpoint's 90.00 %" in text
    assert text.splitlines()[-1].startswith("  NOT KEPT")


@pytest.mark.parametrize(("sample_rate", "clip_ms"), [(16000, 1000.0), (8000, 500.0)])
def test_hard_signals_fit_the_model(sample_rate: int, clip_ms: float) -> None:
    model = make_model(sample_rate=sample_rate, clip_ms=clip_ms)
    signals = hard_signals(model.spec)
    for clips in signals.values():
        assert clips.dtype == np.float32
        assert clips.shape[1] == model.spec.samples
        assert np.abs(clips).max() <= 1
    assert not signals["silence"].any()
    assert np.count_nonzero(signals["one sample"]) == 3
    assert np.mean(np.abs(signals["full-scale clipping"]) == 1) > 0.9
    np.testing.assert_array_equal(signals["voice"], hard_signals(model.spec)["voice"])
    assert not np.array_equal(signals["voice"], hard_signals(model.spec, seed=1)["voice"])


@pytest.mark.parametrize(
    ("clips", "lost", "said"),
    [
        (72, 1, "NOT KEPT: lost 1 of 72 clips; the limit of 0.5 points needs 200 clips or more"),
        (1000, 20, "NOT KEPT: lost 20 of 1000 clips, 2.00 points; the limit of 0.5 points was passed"),
    ],
)
def test_a_quantised_models_loss_is_said_in_clips(clips: int, lost: int, said: str) -> None:
    report = ParityReport("m.int8.onnx", "onnx-int8", (), True, clips, 0.9 - lost / clips, 0.9, 10, 1.0)
    assert not report.passed
    assert said in report.to_text()
