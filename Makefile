# make demo · make test · make lint · make bench: each sets up what it needs, in .venv.
PYTHON ?= python3
BIN := .venv/bin
DEMO := demo

.PHONY: help demo test lint bench real-speech clean

help:
	@echo "make demo         train on made speech and label a clip, in three minutes"
	@echo "make test         lint, types, tests"
	@echo "make lint         ruff and mypy"
	@echo "make bench        training speed of the four main models (SPEECH=folder of Speech Commands)"
	@echo "make clean        remove .venv and the demo"

.venv/ready: pyproject.toml constraints.txt
	@echo "setting up .venv: a minute or two, and 5 GB where torch comes with CUDA"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[train,synthesis,sweeps,dev]'
	$(BIN)/kws fix-torchaudio
	@touch $@

demo: .venv/ready
	$(BIN)/python train.py experiment=demo hydra.run.dir=$(DEMO)/run data.source.root=$(DEMO)/corpus
	$(BIN)/kws synthesize $(DEMO)/visitor --words yes --other-words no --voices 3 --takes 1 --seed 1
	$(BIN)/kws label $(DEMO)/run/checkpoints/best.ckpt $(DEMO)/visitor/yes

test: lint
	$(BIN)/python -m pytest

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

SPEECH ?= data/speech_commands_v0.02
bench: .venv/ready
	$(BIN)/python benchmarks/training_speed.py --data $(SPEECH)

clean:
	rm -rf .venv $(DEMO)
