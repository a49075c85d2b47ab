# make demo · make test · make test-slow · make test-all · make lint · make bench · make mobile-runtime · make android-test · make apk: each sets up what it needs, in .venv.
PYTHON ?= python3
BIN := .venv/bin
DEMO := demo

.PHONY: help demo test test-slow test-all lint bench mobile-runtime android-test apk clean

help:
	@echo "make demo         train on synthetic speech and label three clips, in three minutes"
	@echo "make test         lint, types, the quick tests"
	@echo "make test-slow    the other tests: every command of the documentation, sweeps, several processes"
	@echo "make test-all     lint, types, all tests"
	@echo "make lint         ruff, mypy, and which folder may import which"
	@echo "make bench        speed of training, of a clip and of streaming (SPEECH=folder of Speech Commands, TENSORFLOW=a Python with TensorFlow)"
	@echo "make mobile-runtime  exported models in torch 2.1.0, the runtime of PyTorch Mobile (MOBILE_ARGUMENTS='--checkpoint CKPT --assets mobile/android')"
	@echo "make android-test  the Android app's code on the JVM, against what kws says (Java 17, Maven)"
	@echo "make apk          a signed debug APK without the Android SDK, with PyTorch Mobile's libraries"
	@echo "make clean        remove the environments and the demo"

.venv/ready: pyproject.toml constraints.txt
	@echo "setting up .venv: a minute or two, and 5 GB where torch comes with CUDA"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[train,synthesis,sweeps,dev]'
	@touch $@

demo: .venv/ready
	$(BIN)/python train.py experiment=demo hydra.run.dir=$(DEMO)/run data.source.root=$(DEMO)/corpus
	$(BIN)/kws synthesize $(DEMO)/visitor --words yes --other-words no --voices 3 --takes 1 --seed 1
	$(BIN)/kws label $(DEMO)/run/checkpoints/best.ckpt $(DEMO)/visitor/yes
	@printf '%s\n' '' \
		'The test accuracy above is of synthetic voices alone, the kind that it was trained on. Expect much less on people.' \
		'Next, after ". $(BIN)/activate":' \
		'  python train.py experiment=bc_tc_resnet     people: Speech Commands (2.4 GB, downloaded once)' \
		'  docs/own-words.md                           your own words, with your own recordings' \
		'  kws export $(DEMO)/run/checkpoints/best.ckpt --streaming' \
		'  kws listen $(DEMO)/run/checkpoints/best.stream.onnx     the microphone, live'

PYTEST := $(BIN)/python -m pytest --numprocesses auto
test: lint
	$(PYTEST) --dist loadfile

# Long ones, each by itself: they are shared out one by one.
test-slow: .venv/ready
	$(PYTEST) --dist load --maxschedchunk 1 -m slow

test-all: test test-slow

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# With TensorFlow, its original is measured beside kws in the same run. BENCH_ARGUMENTS: options of all three, such as --markdown.
SPEECH ?= data/speech_commands_v0.02
TENSORFLOW ?= $(wildcard .venv-tensorflow/bin/python)
BENCH_ARGUMENTS ?=
BENCH_OPTIONS = $(if $(TENSORFLOW),--tensorflow-python $(TENSORFLOW)) $(BENCH_ARGUMENTS)
bench: .venv/ready
	$(BIN)/python benchmarks/training_speed.py --data $(SPEECH) $(BENCH_OPTIONS)
	$(BIN)/python benchmarks/clip_time.py $(BENCH_OPTIONS)
	$(BIN)/python benchmarks/streaming.py $(BENCH_OPTIONS)

# The runtime that phones have: torch 2.1.0, which has wheels for Python 3.8 to 3.11.
MOBILE_PYTHON ?= $(PYTHON)
MOBILE_MODELS := outputs/mobile-runtime
MOBILE_ARGUMENTS ?=
.venv-mobile/ready:
	@$(MOBILE_PYTHON) -c 'import sys; sys.exit(not (3, 8) <= sys.version_info[:2] <= (3, 11))' || \
		{ echo "torch 2.1.0 has wheels for Python 3.8 to 3.11: make mobile-runtime MOBILE_PYTHON=python3.11"; exit 1; }
	$(MOBILE_PYTHON) -m venv .venv-mobile
	.venv-mobile/bin/pip install --quiet 'torch==2.1.0' 'numpy<2'
	@touch $@

mobile-runtime: .venv/ready .venv-mobile/ready
	rm -rf $(MOBILE_MODELS)
	$(BIN)/python mobile/runtime/write_models.py $(MOBILE_MODELS) $(MOBILE_ARGUMENTS)
	.venv-mobile/bin/python mobile/runtime/compare.py $(MOBILE_MODELS)

# The app on the JVM: golden traces of the decoder, and a stream that `kws stream` was given as well.
MAVEN ?= mvn
ANDROID := mobile/android
ANDROID_STREAM := $(CURDIR)/outputs/android-test
ANDROID_TOOLS := java mvn aapt2
android-test: .venv/ready
	@for tool in $(ANDROID_TOOLS); do command -v $$tool > /dev/null || \
		{ echo "android-test: no $$tool here; apt-get install openjdk-17-jdk-headless maven aapt"; exit 1; }; done
	rm -rf $(ANDROID_STREAM)
	$(BIN)/python $(ANDROID)/checks/write_stream.py $(ANDROID_STREAM)
	$(MAVEN) --batch-mode --no-transfer-progress --file $(ANDROID)/pom.xml -Dkws.stream=$(ANDROID_STREAM) clean verify

# What the APK holds of the engines: PyTorch's, which android-test fetches. AARS='…' for others, such as onnxruntime-android's.
AARS ?= $(ANDROID)/pytorch-aar/target/aars/*
apk: android-test
	$(MAVEN) --batch-mode --quiet --file $(ANDROID)/pom.xml --non-recursive dependency:get \
		-Dartifact=com.android.tools:r8:$$(sed -n 's/.*<r8.version>\(.*\)<.*/\1/p' $(ANDROID)/pom.xml) -Dtransitive=false
	$(ANDROID)/tools/apk outputs/kws-debug.apk $(AARS)

clean:
	rm -rf .venv .venv-mobile $(DEMO)
