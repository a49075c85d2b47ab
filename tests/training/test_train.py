"""train.py with the real configuration: help, every option of every group, a whole run, and what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from corpora import SPEAKERS, TAKES, WANTED
from hydra.utils import instantiate
from omegaconf import OmegaConf
from runs import CONF, ROOT, TINY, Command, Runner, composed
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import kws
from kws.audio.io import write_wav
from kws.augment.augment import Augment
from kws.augment.negatives import Negatives
from kws.data.sources.folder import Folder
from kws.frontend.front_end import FrontEnd, create_front_end
from kws.inference.loading import load
from kws.models.config import ModelConfig
from kws.models.registry import create_model
from kws.models.summary import summarise
from kws.synthesis.corpus import Synthetic
from kws.training.build import build_trainer
from kws.training.callbacks import make_callbacks
from kws.training.datamodule import KeywordData
from kws.training.module import KeywordModule
from kws.training.run import train
from kws.training.schedule import PiecewiseConstant


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


# The command


def test_help_is_readable_and_ends_well(command: Command, tmp_path: Path) -> None:
    done = command("--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for group in (path.name for path in CONF.iterdir() if path.is_dir()):
        assert f"{group}: {', '.join(options(group))}" in done.stdout
    for setting in ("batch_size: 100", "seed: 59185", "threads: null", "python train.py ckpt="):
        assert setting in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 200
    assert list(tmp_path.iterdir()) == []


def test_help_can_be_cut_short(tmp_path: Path) -> None:
    program = [sys.executable, str(ROOT / "train.py"), "--help"]
    with subprocess.Popen(program, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert (run.stderr.read(), run.wait()) == ("", 0)


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("data.batchsize=5", "data.batchsize"), ("model=cnn", "did you mean ds_cnn?"), ("seeds=1", "seeds"),
        ("optim.momentun=0.9", "optim.momentun"), ("trainer.max_step=5", "trainer.max_step"),
    ],
)  # fmt: skip
def test_a_misspelt_setting_is_named(run_here: Runner, tmp_path: Path, override: str, named: str) -> None:
    done = run_here(override)
    assert named in done.error
    assert not (tmp_path / "run" / "labels.txt").exists()


# Every option


def test_show_prints_the_layers_and_totals(run_here: Runner) -> None:
    done = run_here("show=true", "model=conv", "logger=none")
    assert done.status == 0
    assert done.out.startswith("Conv: features 98 frames × 40 bins by Mfcc")
    assert done.out.splitlines()[-1].split() == ["total", "926,860", "201,456,640"]


@pytest.mark.parametrize("model", options("model"))
def test_models_are_built_with_the_parameters_their_file_says(model: str) -> None:
    cfg = composed(f"model={model}", "data=folder", "data.source.root=nowhere")
    settings = OmegaConf.to_container(cfg.model)
    # What its file says is of the features of its paper.
    frames, bins = {"ds_cnn": (49, 10)}.get(model, (98, 40))
    network = create_model(**settings, frames=frames, bins=bins, labels=12)
    layers = summarise(network, frames, bins)
    head = (CONF / "model" / f"{model}.yaml").read_text(encoding="utf-8").splitlines()[0]
    if model != "single_fc":
        assert f"{sum(weight.numel() for weight in network.parameters()):,} parameters" in head
    if "multiplies a clip" in head:
        assert f"{sum(layer.multiplies for layer in layers):,} multiplies a clip" in head
    with torch.no_grad():
        assert network.eval()(torch.zeros(2, frames, bins)).shape == (2, 12)


@pytest.mark.parametrize("features", options("features"))
def test_front_ends_give_the_sizes_they_say(features: str) -> None:
    front_end = create_front_end(**composed(f"features={features}").features)
    assert isinstance(front_end, FrontEnd)
    assert front_end(torch.zeros(2, 16000)).shape == (2, front_end.frames, front_end.bins)
    assert (front_end.frames, front_end.bins) == {"average": (98, 43), "mfcc_torchaudio": (101, 40)}.get(features, (98, 40))


@pytest.mark.parametrize("augment", options("augment"))
@pytest.mark.parametrize("sample_rate", [8000, 16000])
def test_augmentations_are_built_for_the_front_ends_rate(augment: str, sample_rate: int) -> None:
    module = instantiate(composed(f"augment={augment}", f"features.sample_rate={sample_rate}").augment)
    assert isinstance(module, Augment)
    if module.time_shift is not None:
        assert module.time_shift.shift == sample_rate // 10


def test_negatives_can_be_added_to_an_augmentation() -> None:
    for augment in ("tutorial", "strong"):
        made = instantiate(composed(f"augment={augment}", "augment/negatives=made", "words=[up,'on',stop]").augment).negatives
        assert isinstance(made, Negatives)
        # Labels 2 and 4, up and stop, are alike.
        assert made.forbidden.nonzero().tolist() == [[0, 0], [1, 1], [2, 2], [2, 4], [3, 3], [4, 2], [4, 4]]
        assert instantiate(composed(f"augment={augment}").augment).negatives is None


@pytest.mark.parametrize("optim", options("optim"))
@pytest.mark.parametrize("schedule", options("schedule"))
def test_optimisers_and_schedules_work_together(optim: str, schedule: str) -> None:
    cfg = composed(f"optim={optim}", f"schedule={schedule}")
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = instantiate(cfg.optim)([weight])
    rates = instantiate(cfg.schedule)
    assert rates.total_steps > 1000
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rates(step))
    before = weight.detach().clone()
    weight.sum().backward()
    optimizer.step()
    scheduler.step()
    assert (weight < before).all()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(cfg.optim.lr * rates(1))


@pytest.mark.parametrize("data", options("data"))
@pytest.mark.parametrize("split", options("split"))
def test_data_modules_are_built_with_the_runs_settings(data: str, split: str) -> None:
    if data == "base":
        pytest.skip("what the others have in common")
    root = ["data.source.root=clips"] if data == "folder" else []
    module = instantiate(composed(f"data={data}", f"split={split}", "seed=7", "features.bins=12", "words=[up,'on']", *root).data)
    assert isinstance(module, KeywordData)
    assert (module.seed, module.batch_size, module.labels.words) == (7, 100, ("up", "on"))
    assert (module.front_end.bins, type(module.split).__name__) == (12, f"{split.title()}Split")


def test_near_words_are_spoken_by_the_voices_that_say_the_wanted_ones() -> None:
    module = instantiate(composed("extra=near_words", "features.sample_rate=8000", "words=[up,'on',lamp]").data)
    assert isinstance(module, KeywordData)
    near, wanted = module.extra
    assert isinstance(near, Synthetic)
    assert isinstance(wanted, Synthetic)
    assert wanted.words == ("up", "on", "lamp")
    assert len(near.words) > 300
    assert not set(near.words) & set(wanted.words)
    for setting in ("voices", "language", "seed", "sample_rate", "clip_ms"):
        assert getattr(near, setting) == getattr(wanted, setting)
    assert (near.sample_rate, near.other_words) == (8000, ())


@pytest.mark.parametrize("experiment", options("experiment"))
def test_experiments_are_the_rows_they_name(experiment: str) -> None:
    root = ["data.source.root=clips"] if experiment == "own_words" else []
    cfg = composed(f"experiment={experiment}", *root)
    schedule = instantiate(cfg.schedule)
    assert isinstance(instantiate(cfg.data), KeywordData)
    assert isinstance(instantiate(cfg.trainer, max_steps=schedule.total_steps, logger=False), pl.Trainer)
    if experiment.startswith("tutorial_"):
        name = experiment.removeprefix("tutorial_")
        assert cfg.model == composed(f"model={name}").model
        # Steps and rates of the original's README.
        steps, rates = {
            "conv": ([15000, 3000], [0.001, 0.0001]),
            "low_latency_conv": ([20000, 6000], [0.01, 0.001]),
            "low_latency_svdf": ([100000, 35000], [0.01, 0.005]),
        }[name]
        assert list(cfg.schedule.steps) == steps
        assert [cfg.optim.lr * factor for factor in cfg.schedule.factors] == pytest.approx(rates)
        assert (cfg.optim["_target_"], cfg.optim.momentum, cfg.test_weights) == ("torch.optim.SGD", 0.0, "last")
        assert (cfg.data.batch_size, cfg.data.unknown_percentage, cfg.data.silence_percentage) == (100, 10, 10)


@pytest.mark.parametrize("data", ["data=folder", "data=synthetic"])
def test_own_words_are_judged_by_many_others_and_know_no_words_of_speech_commands(data: str) -> None:
    cfg = composed("experiment=own_words", data, "data.source.root=clips", "words=[lamp,fan]")
    assert cfg.model["name"] == composed("experiment=bc_tc_resnet").model["name"]
    assert (cfg.data.unknown_percentage, cfg.data.unknown_weights) == (100, None)
    module = instantiate(cfg.data)
    assert not {"lamp", "fan"} & set(module.extra[0].words)
    assert module.extra[1].words == ("lamp", "fan")
    assert cfg.augment.gate.probability > 0
    alone = composed("experiment=own_words", data, "extra=none", "data.source.root=clips", "words=[lamp]")
    assert instantiate(alone.data).extra == ()
    # Some validations, also in a run of few steps.
    assert 4 <= instantiate(cfg.schedule).total_steps / cfg.trainer.val_check_interval <= 10


@pytest.mark.parametrize("augment", ["tutorial", "none"])
def test_the_originals_augmentation_has_no_gate(augment: str) -> None:
    assert composed(f"augment={augment}").augment.gate.probability == 0


@pytest.mark.parametrize("experiment", [name for name in options("experiment") if name != "demo"])
def test_experiments_train_a_step(experiment: str, small_corpus: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    words = f"words=[{','.join(repr(word) for word in WANTED)}]"
    given = ["data=folder", f"data.source.root={small_corpus}", "data.extra=[]", "data.batch_size=12", words]
    cfg = composed(f"experiment={experiment}", *given)
    recipe = ModelConfig.from_dict({room: OmegaConf.to_object(cfg[room]) for room in ("words", "features", "model")})
    module = KeywordModule(recipe, instantiate(cfg.optim), instantiate(cfg.schedule), True, instantiate(cfg.objective))
    before = {name: weight.detach().clone() for name, weight in module.named_parameters()}
    averaging = instantiate(cfg.averaging) or None
    trainer = instantiate(
        cfg.trainer, max_steps=1, logger=False, default_root_dir=tmp_path, accelerator="cpu",
        callbacks=make_callbacks(tmp_path, 1, progress=False, averaging=averaging),
    )  # fmt: skip
    trainer.fit(module, instantiate(cfg.data))
    assert trainer.global_step == 1
    changed = [name for name, weight in module.named_parameters() if not torch.equal(weight, before[name])]
    assert len(changed) > len(before) / 2
    assert all(torch.isfinite(weight).all() for weight in module.parameters())


@pytest.mark.parametrize("logger", options("logger"))
def test_loggers_and_trainers_are_built(logger: str, tmp_path: Path) -> None:
    made = build_trainer(composed(f"logger={logger}"), tmp_path, PiecewiseConstant([3], [1])).logger
    if logger == "tensorboard":
        assert isinstance(made, pl.loggers.TensorBoardLogger)
        assert made.log_dir == str(tmp_path / "tensorboard")
    else:
        assert made is None
    for trainer in options("trainer"):
        built = instantiate(composed(f"trainer={trainer}").trainer, max_steps=3, logger=False, default_root_dir=tmp_path)
        assert isinstance(built, pl.Trainer)


def test_every_default_of_the_original_is_ours() -> None:
    cfg = composed()
    assert list(cfg.words) == ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"]
    assert (cfg.split.validation_percentage, cfg.split.testing_percentage) == (10, 10)
    assert (cfg.augment.time_shift.shift_ms, cfg.augment.noise.probability, cfg.augment.noise.volume) == (100, 0.8, 0.1)
    assert cfg.features["name"] == "mfcc"
    assert (cfg.features.window_ms, cfg.features.hop_ms, cfg.features.bins) == (30, 10, 40)
    assert (cfg.trainer.val_check_interval, cfg.data.batch_size) == (400, 100)


# A whole run


@pytest.fixture(scope="module")
def finished(command: Command, small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run from the command line: its folder, and what it said."""
    place = tmp_path_factory.mktemp("run")
    done = command(*TINY, f"data.source.root={small_corpus}", f"hydra.run.dir={place / 'run'}", cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in place.iterdir()] == ["run"]  # nothing beside the run's folder
    return place / "run", done.stdout


def clips_in(split: str) -> int:
    wanted = len(SPEAKERS[split]) * TAKES * len(WANTED)
    return wanted + 2 * -(-wanted // 10)


def test_a_run_leaves_what_the_next_step_needs(finished: tuple[Path, str]) -> None:
    folder, _ = finished
    assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    assert (folder / "labels.txt").read_text(encoding="utf-8") == "_silence_\n_unknown_\nyes\nno\n"
    assert (folder / "test_confusion.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "train.log").stat().st_size > 0
    assert OmegaConf.load(folder / ".hydra" / "config.yaml").model.filters == 2
    last = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] == 7
    assert load(folder / "checkpoints" / "best.ckpt").labels.words == WANTED


def test_its_result_is_the_testing_sets(finished: tuple[Path, str], small_corpus: Path) -> None:
    folder, said = finished
    result = json.loads((folder / "test.json").read_text(encoding="utf-8"))
    assert result["clips"] == clips_in("testing")
    assert result["steps"] == 7
    assert result["weights"] == str(folder / "checkpoints" / "best.ckpt")
    accuracies = [event.value for event in events(folder).Scalars("val/accuracy")]
    assert result["validation_accuracy"] == pytest.approx(max(accuracies), rel=1e-6)
    # The same clips scored by the checkpoint alone.
    model = load(result["weights"])
    data = KeywordData(Folder(small_corpus), WANTED, model.front_end, seed=59185, progress=False)
    data.setup()
    (batch,) = data.test_dataloader()
    predictions = model.score(batch.clips.numpy().astype(np.float32) / 32768).argmax(axis=1)
    counts = np.zeros((4, 4), dtype=int)
    np.add.at(counts, (batch.labels.numpy(), predictions), 1)
    assert result["confusion_matrix"]["counts"] == counts.tolist()
    # These clips are too few to fit a temperature to, and that is said.
    assert result["temperature"] == model.temperature == 1
    assert result["temperature_fit"] == f"not fitted: {clips_in('validation')} clips, 300 needed"
    assert result["ece_after"] == result["ece_before"]
    assert 0 <= result["ece_after"] <= 1
    assert result["nll_before"] == pytest.approx(result["loss"], rel=1e-4)
    assert (folder / "reliability.png").read_bytes().startswith(b"\x89PNG")
    (line,) = (line for line in said.splitlines() if line.startswith("test accuracy"))
    assert line.startswith(f"test accuracy {100 * result['accuracy']:.2f} % of {result['clips']} clips · validation ")
    assert f"({result['temperature_fit']})" in line


def events(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0, "images": 0}).Reload()


def test_tensorboard_has_the_curves_and_confusion_matrices(finished: tuple[Path, str]) -> None:
    log = events(finished[0])
    curves = {"train/loss", "train/accuracy", "train/lr", "train/clips_per_s", "val/accuracy", "val/loss"}
    assert curves <= set(log.Tags()["scalars"])
    assert [event.step for event in log.Images("val/confusion")] == [3, 6]
    assert all(event.encoded_image_string.startswith(b"\x89PNG") for event in log.Images("val/confusion"))
    assert len(log.Scalars("val/accuracy")) == 2
    rates = {event.step: event.value for event in log.Scalars("train/lr")}
    assert rates == pytest.approx({1: 0.001, 3: 0.001, 5: 0.0001}, rel=1e-6)
    assert all(event.value > 0 for event in log.Scalars("train/clips_per_s"))


def test_it_says_each_validation_and_one_line_of_result(finished: tuple[Path, str]) -> None:
    _, said = finished
    for step in (3, 6):
        assert f"step {step}: validation accuracy " in said
    assert f"of {clips_in('validation')} clips, loss " in said
    assert said.count("test accuracy") == 1
    assert "Traceback" not in said


def test_going_on_from_last_ends_at_the_new_number_of_steps(
    finished: tuple[Path, str], small_corpus: Path, run_here: Runner, tmp_path: Path
) -> None:
    ckpt = finished[0] / "checkpoints" / "last.ckpt"
    done = run_here(*TINY, f"data.source.root={small_corpus}", f"ckpt={ckpt}", "schedule.steps=[4,6]", "logger=none")
    assert done.status == 0, done.out
    assert json.loads((tmp_path / "run" / "test.json").read_text(encoding="utf-8"))["steps"] == 10
    assert "step 9: validation" in done.out
    assert "step 6: validation" not in done.out


def test_the_function_returns_what_a_sweep_maximises(small_corpus: Path, tmp_path: Path, quiet: None) -> None:
    cfg = composed(*TINY, f"data.source.root={small_corpus}", "logger=none", "schedule.steps=[3,1]", "calibrate=false")
    value = train(cfg, tmp_path)
    result = json.loads((tmp_path / "test.json").read_text(encoding="utf-8"))
    assert "temperature" not in result
    assert load(result["weights"]).metadata.temperature == 1
    assert isinstance(value, float)
    assert value == result["validation_accuracy"]
    assert 0 <= value <= 1


def test_a_run_says_what_becomes_of_unseen_words(small_corpus: Path, run_here: Runner, tmp_path: Path) -> None:
    done = run_here(*TINY, f"data.source.root={small_corpus}", "logger=none", "split.unseen_words=[tree]")
    assert done.status == 0, done.out
    result = json.loads((tmp_path / "run" / "test.json").read_text(encoding="utf-8"))
    assert result["clips"] == clips_in("testing")
    assert result["unseen_clips"] == len(SPEAKERS["testing"]) * TAKES
    assert result["unseen_words"]["tree"]["unknown_recall"] == result["unseen_unknown_recall"]
    assert f"unseen words: {100 * result['unseen_unknown_recall']:.2f} % of {result['unseen_clips']} clips" in done.out
    # The same clips scored by the checkpoint alone.
    clips = [f"tree/{speaker}_nohash_{take}.wav" for speaker in SPEAKERS["testing"] for take in range(TAKES)]
    sound = [kws.audio.io.fit_length(kws.audio.io.read_audio(small_corpus / clip, 16000), 16000) for clip in clips]
    predictions = load(result["weights"]).score(kws.audio.io.to_float(np.stack(sound))).argmax(axis=1)
    assert result["unseen_unknown_recall"] == (predictions == 1).mean()
    assert result["unseen_accepted"] == (predictions > 1).mean()


@pytest.mark.slow
def test_two_processes_train_together_and_count_each_clip_once(command: Command, small_corpus: Path, tmp_path: Path) -> None:
    given = [*TINY, f"data.source.root={small_corpus}", f"hydra.run.dir={tmp_path / 'run'}", "logger=none", "data.batch_size=2"]
    done = command(*given, "schedule.steps=[2,1]", "trainer.strategy=ddp", "trainer.devices=2", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"of {clips_in('validation')} clips" in done.stdout
    assert done.stdout.count("test accuracy") == 1
    result = json.loads((tmp_path / "run" / "test.json").read_text(encoding="utf-8"))
    assert (result["clips"], result["steps"]) == (clips_in("testing"), 3)
    assert sum(label["clips"] for label in result["labels"].values()) == clips_in("testing")


# What it refuses, in one line


Refusal = Callable[..., str]


@pytest.fixture
def refused(run_here: Runner, small_corpus: Path) -> Refusal:
    """The error of a run with these settings over a good tiny run's."""
    return lambda *overrides: run_here(*TINY, f"data.source.root={small_corpus}", "logger=none", *overrides).error


def test_a_checkpoint_that_is_none(refused: Refusal, tmp_path: Path) -> None:
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    assert f"{tmp_path / 'text.ckpt'}: can't be read as a checkpoint" in refused(f"ckpt={tmp_path / 'text.ckpt'}")


@pytest.mark.parametrize("name", ["nowhere.ckpt", "best", "last"])
def test_a_checkpoint_that_is_not_there(refused: Refusal, name: str) -> None:
    assert refused(f"ckpt={name}").startswith(f"{name}: no such file; give a checkpoint")


@pytest.mark.parametrize(
    ("override", "named"),
    [("words=['yes','tree']", "words=['yes', 'no']"), ("features.bins=20", "features="), ("model.filters=3", "model={")],
)
def test_a_checkpoint_of_another_network(refused: Refusal, finished: tuple[Path, str], override: str, named: str) -> None:
    ckpt = finished[0] / "checkpoints" / "last.ckpt"
    error = refused(f"ckpt={ckpt}", override)
    assert error.startswith(f"ckpt: {ckpt} has {named}")
    assert "this run has" in error


def test_a_data_folder_that_is_missing(refused: Refusal, tmp_path: Path) -> None:
    assert "data.source.root: " in (error := refused(f"data.source.root={tmp_path / 'nowhere'}"))
    assert "nowhere does not exist" in error


def test_words_that_the_data_has_not(refused: Refusal) -> None:
    assert refused("words=['yes',lamp]").startswith("words: no clips of lamp; the data has bed, no, tree, yes")


def test_words_that_are_truth_values(refused: Refusal) -> None:
    assert "words: True " in (error := refused("words=[true,no]"))
    assert "quotes" in error


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("data.unknown_percentage=-5", "data.unknown_percentage: -5"),
        ("data.silence_percentage=-1", "data.silence_percentage: -1"),
        ("split.validation_percentage=-1", "validation_percentage=-1"),
        ("split.testing_percentage=95", "testing_percentage=95"),
        ("split.testing_percentage=0", "no clip in the testing set"),
        ("split.unseen_words=[yes]", "unseen_words: yes is a wanted word"),
        ("split.unseen_words=[true]", "split.unseen_words: [True] given; a list of words expected"),
        ("split.unseen_words=[lamp]", "unseen_words: there are no clips of lamp to measure with"),
        ("split.unseen_from=training", "split.unseen_from: training given; testing, validation or all expected"),
        ("data.training_unknown_percentage=-1", "data.training_unknown_percentage: -1"),
        ("data.batch_size=0", "data.batch_size: 0"),
        ("augment.noise.probability=2", "augment.noise.probability: 2"),
        ("schedule.steps=[1,2,3]", "schedule: 3 steps and 2 factors"),
        ("features.window_ms=2000", "features.window_ms: 2000"),
        ("model.dropout=1.5", "model.dropout: 1.5"),
        ("test_weights=bset", "test_weights: bset given; best or last expected"),
        ("export=[onnx,tflite]", "export: 'tflite' is no format; there are onnx"),
        ("trainer.val_check_interval=8", "test_weights: best needs a validation, and a run of 7 steps has none"),
    ],
)
def test_settings_that_make_no_sense(refused: Refusal, override: str, named: str) -> None:
    assert named in refused(override)


def test_sound_that_cannot_be_read(refused: Refusal, corpus_folder: Path) -> None:
    (corpus_folder / "yes" / "bad_nohash_0.wav").write_text("no sound")
    write_wav(corpus_folder / "no" / "slow_nohash_0.wav", np.ones(8000, np.int16), 8000)
    error = refused(f"data.source.root={corpus_folder}", "data.resample=false")
    assert "2 of 90 clips can't be used" in error


def test_no_background_noise(refused: Refusal, corpus_folder: Path) -> None:
    shutil.rmtree(corpus_folder / "_background_noise_")
    root = f"data.source.root={corpus_folder}"
    assert "data.silence_percentage=0 augment.noise=null" in refused(root)


def test_no_background_noise_needed(run_here: Runner, corpus_folder: Path, tmp_path: Path) -> None:
    shutil.rmtree(corpus_folder / "_background_noise_")
    given = [*TINY, f"data.source.root={corpus_folder}", "logger=none", "schedule.steps=[3,1]"]
    done = run_here(*given, "data.silence_percentage=0", "augment.noise=null")
    assert done.status == 0, done.out
    assert (tmp_path / "run" / "test.json").exists()
