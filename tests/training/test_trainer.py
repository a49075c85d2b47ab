"""The precision that a trainer computes in."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from kws.training.trainer import computes_bfloat16, make_trainer


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A machine: what its processor has, and its GPU, if any."""
    has, gpu = request.param
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu is not None)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: gpu == "bf16" or including_emulation)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


PLAIN, AVX512, AMX = {"avx2": True, "avx512_bf16": False}, {"avx512_bf16": True}, {"amx_bf16": True}


@pytest.mark.parametrize(
    ("device", "accelerator", "expected"),
    [
        ((PLAIN, None), "auto", False),
        ((PLAIN, None), "cpu", False),
        ((AVX512, None), "auto", True),
        ((AMX, None), "cpu", True),
        (({"neon": True}, None), "cpu", False),
        ((PLAIN, "bf16"), "auto", True),
        ((PLAIN, "bf16"), "gpu", True),
        ((AVX512, "old"), "auto", False),
        ((AVX512, "old"), "cpu", True),
        ((PLAIN, "bf16"), "cpu", False),
        ((AVX512, None), "tpu", False),
    ],
    indirect=["device"],
)
@pytest.mark.usefixtures("device")
def test_bfloat16_is_of_devices_that_compute_it(accelerator: str, expected: bool) -> None:
    assert computes_bfloat16(accelerator) == expected


@pytest.mark.parametrize(
    ("device", "precision"), [((PLAIN, None), "32-true"), ((AVX512, None), "bf16-mixed")], indirect=["device"]
)
@pytest.mark.usefixtures("device")
def test_auto_is_what_the_device_computes(precision: str) -> None:
    assert make_trainer("auto", logger=False, barebones=True).precision == precision
    assert make_trainer("bf16-mixed", logger=False, barebones=True).precision == "bf16-mixed"
    assert make_trainer(logger=False, barebones=True).precision == "32-true"


def test_a_torch_that_cannot_tell_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not computes_bfloat16("cpu")


@pytest.mark.parametrize(("device", "warnings"), [((PLAIN, None), 1), ((AVX512, None), 0)], indirect=["device"])
@pytest.mark.usefixtures("device")
def test_bfloat16_without_instructions_is_warned_of(warnings: int, caplog: pytest.LogCaptureFixture) -> None:
    make_trainer("bf16-mixed", logger=False, barebones=True)
    assert [record.levelname for record in caplog.records if record.name == "kws.training.trainer"] == ["WARNING"] * warnings


def test_a_part_of_an_epoch_can_be_the_interval() -> None:
    trainer = make_trainer(logger=False, max_steps=3, val_check_interval=0.5, accelerator="cpu")
    assert (trainer.val_check_interval, trainer.check_val_every_n_epoch) == (0.5, 1)
    assert make_trainer(logger=False, max_steps=3, val_check_interval=7, accelerator="cpu").check_val_every_n_epoch is None


@pytest.mark.parametrize("settings", [{"max_epochs": 5, "max_steps": -1}, {"max_time": "00:00:01:00", "max_steps": -1}])
def test_a_run_can_end_by_epochs_or_time(settings: dict[str, Any]) -> None:
    assert make_trainer(logger=False, accelerator="cpu", **settings).max_steps == -1
