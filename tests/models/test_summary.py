"""The summary of a network: its layers in order, their sizes, and how far they see."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from kws.frontend.features import Average, Mfcc
from kws.models.conv import Conv
from kws.models.low_latency_conv import LowLatencyConv
from kws.models.single_fc import SingleFc
from kws.models.summary import LayerSummary, describe, summarise
from kws.models.svdf import LowLatencySvdf
from kws.models.tiny_conv import TinyEmbeddingConv


def test_conv() -> None:
    assert summarise(Conv(98, 40, 12), 98, 40) == [
        LayerSummary("first", "SameConv2d", (64, 98, 40), 20 * 8 * 64 + 64, 98 * 40 * 20 * 8 * 64, 20, 8),
        # 20 frames, one more by the pooling, then nine steps of two.
        LayerSummary("second", "SameConv2d", (64, 49, 20), 10 * 4 * 64 * 64 + 64, 49 * 20 * 10 * 4 * 64 * 64, 39, 15),
        LayerSummary("output", "Dense", (12,), 49 * 20 * 64 * 12 + 12, 49 * 20 * 64 * 12, 98, 40),
    ]


def test_strides_widen_what_the_next_layer_sees() -> None:
    first, second, output = summarise(TinyEmbeddingConv(98, 40, 12), 98, 40)
    assert (first.field_frames, first.field_bins, first.output) == (10, 8, (8, 49, 20))
    assert (second.field_frames, second.field_bins, second.output) == (10 + 9 * 2, 8 + 7 * 2, (8, 7, 3))
    assert (output.field_frames, output.field_bins, output.output) == (98, 40, (12,))


def test_no_layer_sees_more_than_the_clip() -> None:
    layers = summarise(Conv(12, 6, 3, filters=2), 12, 6)
    assert [(layer.field_frames, layer.field_bins) for layer in layers] == [(12, 6)] * 3


def test_svdf_counts_the_two_steps() -> None:
    first, second, third, output = summarise(LowLatencySvdf(98, 40, 12), 98, 40)
    assert first == LayerSummary("first", "Svdf", (1280,), 2560 * 138 + 1280, 98 * 40 * 2560 + 98 * 2560, 98, 40)
    assert [layer.multiplies for layer in (second, third, output)] == [1280 * 256, 256 * 256, 256 * 12]
    # What streaming does for a new frame (the original's count): one column of filters over frequency, then over time.
    assert 40 * 2560 + 98 * 2560 + sum(layer.multiplies for layer in (second, third, output)) == 749_568


class Normed(nn.Module):
    """Two convolutions with a batch norm between, whose modules are named in another order than they run."""

    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(4, 2)
        self.second = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.first = nn.Conv2d(1, 4, (5, 3), stride=(2, 1), padding=1)

    def forward(self, features: Tensor) -> Tensor:
        maps = self.second(self.norm(self.first(features[:, None])))
        logits: Tensor = self.output(maps.mean(dim=(2, 3)))
        return logits


def test_a_batch_norm_looks_at_nothing_beside() -> None:
    first, norm, second, output = summarise(Normed(), 21, 10)
    assert (first.name, first.output, first.multiplies) == ("first", (4, 10, 10), 10 * 10 * 4 * 15)
    assert (norm.name, norm.kind, norm.parameters, norm.multiplies) == ("norm", "BatchNorm2d", 8, 0)
    assert (norm.field_frames, norm.field_bins) == (first.field_frames, first.field_bins) == (5, 3)
    # Depthwise: each channel its own nine weights.
    assert (second.name, second.parameters, second.multiplies) == ("second", 36, 10 * 10 * 36)
    assert (second.field_frames, second.field_bins) == (5 + 2 * 2, 3 + 2)
    assert (output.field_frames, output.field_bins, output.parameters) == (21, 10, 10)


@pytest.mark.parametrize("training", [True, False])
def test_the_network_stays_as_it_was(training: bool) -> None:
    network = Normed().train(training)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    summarise(network, 21, 10)
    assert network.training == network.norm.training == training
    assert not any(layer._forward_hooks for layer in network.modules())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_network_that_does_not_fit_is_left_without_hooks() -> None:
    network = SingleFc(10, 4, 3)
    with pytest.raises(RuntimeError):
        summarise(network, 11, 4)
    assert not any(layer._forward_hooks for layer in network.modules())
    assert network.training


def test_the_table() -> None:
    text = describe(LowLatencyConv(98, 40, 12), Mfcc())
    lines = text.splitlines()
    assert lines[0] == "LowLatencyConv: features 98 frames × 40 bins by Mfcc"
    assert lines[1].split() == ["layer", "kind", "output", "parameters", "multiplies", "receptive", "field"]
    assert lines[2].split("  ")[0] == "first"
    assert "186 × 1 × 33" in lines[2]
    assert lines[2].endswith("98 × 8 (1000 ms)")
    assert lines[-1].split() == ["total", "949,862", "5,615,776"]
    assert [line.split()[0] for line in lines[2:]] == ["first", "second", "third", "output", "total"]
    # The numbers end under each other.
    edge = lines[1].index("multiplies") + len("multiplies")
    numbers = [5_615_776 - 128 * (6138 + 128 + 12), 6138 * 128, 128 * 128, 128 * 12, 5_615_776]
    assert [line[:edge].split(" ")[-1] for line in lines[2:]] == [f"{number:,}" for number in numbers]


def test_the_receptive_field_in_time() -> None:
    front_end = Average(clip_ms=500, window_ms=25, hop_ms=20)
    text = describe(Conv(front_end.frames, front_end.bins, 3, filters=2), front_end)
    # Twenty frames from the first one's start to the last one's end: 19 hops of 20 ms and 25 ms.
    assert f"20 × 8 ({19 * 20 + 25} ms)" in text
    # And all 24, which leave 15 ms of the clip over.
    assert (front_end.frames, front_end.bins) == (24, 43)
    assert "24 × 43 (485 ms)" in text
