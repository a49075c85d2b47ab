"""The list of near-misses: none of its words is a command, or sounds like one."""

from __future__ import annotations

import importlib.util
import re
import sys

import pytest

from kws.errors import KwsError
from kws.labels import LabelSet
from kws.synthesis.confusables import ALIKE, NEAR_WORDS, SPEECH_COMMANDS, homophones, near_words
from kws.synthesis.espeak import Engine, accents

synthesis = pytest.mark.skipif(importlib.util.find_spec("espeakng_loader") is None, reason="eSpeak NG is not installed")
# As dictionaries have them, of any accent.
HOMOPHONES = {
    "know", "write", "rite", "wright", "won", "wan", "to", "too", "for", "fore", "ate", "sics", "nein", "noes", "threw", "burred",
    "bade", "awn", "ewe", "yea", "whoa", "hoarse", "backwards", "forwards", "follows",
}  # fmt: skip


def test_words_are_many_and_each_is_there_once() -> None:
    assert len(NEAR_WORDS) >= 300
    assert len(SPEECH_COMMANDS) == len(set(SPEECH_COMMANDS)) == 35
    assert LabelSet(NEAR_WORDS).words == NEAR_WORDS  # folder names, each once
    assert all(re.fullmatch("[a-z]+", word) for word in NEAR_WORDS)


def test_none_is_a_command_or_its_homophone() -> None:
    assert not set(NEAR_WORDS) & (set(SPEECH_COMMANDS) | HOMOPHONES)


def phonemes(engine: Engine, word: str, accent: str) -> str:
    """Phonemes without the marks of stress and length."""
    return re.sub(r"[',%=_:]", "", engine.phonemes(word, accent))


@synthesis
def test_none_sounds_like_a_command_in_any_accent() -> None:
    with Engine() as engine:
        for accent in accents("en"):
            commands = {phonemes(engine, word, accent): word for word in SPEECH_COMMANDS}
            assert len(commands) == 35
            assert "" not in commands
            # The comparison finds the homophones that there are.
            assert commands[phonemes(engine, "know", accent)] == "no"
            assert commands[phonemes(engine, "write", accent)] == "right"
            alike = {word: commands.get(phonemes(engine, word, accent)) for word in NEAR_WORDS}
            assert {word: command for word, command in alike.items() if command} == {}, accent


@synthesis
def test_words_of_the_list_that_sound_alike_are_those_that_are_told() -> None:
    found = set()
    with Engine() as engine:
        for accent in accents("en"):
            said: dict[str, list[str]] = {}
            for word in NEAR_WORDS:
                said.setdefault(phonemes(engine, word, accent), []).append(word)
            found.update(tuple(sorted(words)) for words in said.values() if len(words) > 1)
    assert found == {tuple(sorted(pair)) for pair in ALIKE}


@pytest.mark.parametrize(("word", "other"), [("rye", "wry"), ("wry", "rye"), ("anna", "hannah"), ("hannah", "anna")])
def test_what_sounds_like_a_wanted_word_of_the_list_is_left_out(word: str, other: str) -> None:
    assert set(NEAR_WORDS) - set(near_words([["yes"], [word]])) == {word, other}
    assert near_words([[f" {word}"]]) == near_words([[word]])


@synthesis
def test_an_accent_that_is_not_there_has_no_phonemes() -> None:
    with Engine() as engine, pytest.raises(KwsError, match="eSpeak NG has no 'gmw/none'"):
        engine.phonemes("yes", "gmw/none")


def test_words_can_be_left_out() -> None:
    assert set(NEAR_WORDS) - set(near_words([["snow", "lamp"], ["on"], ["tea"]])) == {"snow", "lamp", "tea"}
    assert near_words() == NEAR_WORDS


def test_the_words_of_speech_commands_on_request() -> None:
    words = near_words([["yes", "no"], ["on"]], speech_commands=True)
    assert set(words) - set(NEAR_WORDS) == set(SPEECH_COMMANDS) - {"yes", "no", "on"}
    assert len(set(words)) == len(words)


@synthesis
def test_what_sounds_like_a_word_of_the_users_own_is_left_out() -> None:
    left_out = set(NEAR_WORDS) - set(near_words([["see", "marvellous"], ["write"]]))
    assert left_out == {"sea"}
    assert set(SPEECH_COMMANDS) - set(near_words([["know", "write"]], speech_commands=True)) == {"no", "right"}


@synthesis
def test_homophones_are_those_of_any_accent() -> None:
    assert homophones(["wine", "lamp"], ["whine", "lump"]) == {"wine"}
    assert homophones(["lamp"], []) == set()


def test_words_of_the_list_itself_need_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kws.synthesis.confusables.Engine", None)
    assert "lamp" not in near_words([["lamp", "yes"]])


def test_words_of_ones_own_need_espeak_or_no_extra_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    assert "lamp" not in near_words([["lamp", "yes"]])
    with pytest.raises(KwsError, match=r"data\.extra: .*pip install 'kws\[synthesis\]'; or train without .*: extra=none$"):
        near_words([["kettle"]])
