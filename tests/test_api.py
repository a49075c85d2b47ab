"""The public names: imported late, light, as docs/api.md says, and what is deprecated is used nowhere in the package."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kws
from kws.inference.loading import load

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "golden" / "version_0_1_0"
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^### `(?:kws\.)?([\w.]+)(\(.*\))?`$", PAGE, re.MULTILINE)
CLASSES = (kws.KeywordModel, kws.KeywordSpotter, kws.Prediction, kws.Detection)


def loaded_modules(code: str) -> set[str]:
    """The top-level packages, and modules of kws, that a new interpreter has imported after this code."""
    script = f"import sys, warnings\nwarnings.simplefilter('error', DeprecationWarning)\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_every_name_is_there_and_found_by_completion() -> None:
    for name in kws.__all__:
        assert getattr(kws, name) is not None
        assert name in dir(kws)
    with pytest.raises(AttributeError, match="module 'kws' has no attribute 'nothing'"):
        _ = kws.nothing


def test_importing_the_package_is_light() -> None:
    assert not loaded_modules("import kws") & {"numpy", "torch", "soundfile", "onnxruntime", "kws.errors"}


def test_an_onnx_model_needs_no_torch() -> None:
    code = f"""
import kws
model = kws.load_model({str(FOLDER / "small.stream.onnx")!r})
spotter = kws.KeywordSpotter(model, threshold=0.0)
model.predict([0.1] * 5000)
spotter.process([0.1] * 5000), spotter.flush(), kws.spot([0.1] * 5000, model)
"""
    loaded = loaded_modules(code)
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "pytorch_lightning", "scipy.signal", "matplotlib", "hydra"}


def test_a_checkpoint_needs_no_lightning() -> None:
    code = f"""
import kws
model = kws.load_model({str(FOLDER / "small.ckpt")!r})
model.predict([0.1] * 5000), kws.spot([0.1] * 5000, model), kws.create_model(kws.list_models()[0])
"""
    loaded = loaded_modules(code)
    assert "torch" in loaded
    assert not loaded & {"pytorch_lightning", "lightning", "hydra", "matplotlib"}


def test_the_former_way_to_load_warns_where_it_is_called() -> None:
    with pytest.warns(DeprecationWarning, match=r"kws\.load_model") as warned:
        model = kws.load(FOLDER / "small.onnx", threads=1)
    assert warned[0].filename == __file__
    clips = np.zeros((1, 2000), np.float32)
    np.testing.assert_array_equal(model.score(clips), load(FOLDER / "small.onnx").score(clips))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kws.load_model(FOLDER / "small.onnx")


def test_the_former_way_to_load_is_used_nowhere() -> None:
    folders = ("kws", "tests", "benchmarks", "mobile", "examples")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if path != Path(__file__)]
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    used = [
        path for path in paths + pages if re.search(r"\bkws\.load\((?!path, threads=None\))", path.read_text(encoding="utf-8"))
    ]
    assert not used


def documented(name: str) -> Any:
    """What a heading of the page names."""
    found: Any = kws
    for part in name.split("."):
        found = getattr(found, part)
    return found


def bare_signature(called: Any) -> str:
    """The signature as the page quotes it: without types, and without self."""
    signature = inspect.signature(called)
    parameters = [one.replace(annotation=inspect.Parameter.empty) for one in signature.parameters.values() if one.name != "self"]
    return str(inspect.Signature(parameters))


@pytest.mark.parametrize(("name", "signature"), HEADINGS, ids=[name for name, _ in HEADINGS])
def test_a_signature_in_the_page_is_the_functions(name: str, signature: str) -> None:
    found = documented(name)
    assert signature == "" or signature == bare_signature(found)
    assert signature or isinstance(found, type), "a function is quoted with its arguments"
    assert inspect.getdoc(found)


def test_the_page_names_every_public_name() -> None:
    named = {name for name, _ in HEADINGS}
    for name in set(kws.__all__) - {"__version__", "KwsError"}:
        assert name in named, f"kws.{name}: has no heading in docs/api.md"
    assert "`kws.__version__`" in PAGE and "`kws.KwsError`" in PAGE


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_the_page_names_every_public_member(kind: type) -> None:
    for name, member in vars(kind).items():
        if name.startswith("_"):
            continue
        if inspect.isfunction(member) or isinstance(member, classmethod):
            assert (f"{kind.__name__}.{name}") in {heading for heading, _ in HEADINGS}
        else:
            assert re.search(rf"`{name}`", PAGE), f"{kind.__name__}.{name}: is not in docs/api.md"
