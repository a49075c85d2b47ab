"""English words that a keyword spotter should not answer to: near-misses of the usual commands, and common words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kws.data.sources.speech_commands import WORDS as SPEECH_COMMANDS
from kws.errors import KwsError
from kws.labels import plain_word
from kws.synthesis.espeak import Engine, accents

# None is one of `SPEECH_COMMANDS` or sounds like one in any accent of English that eSpeak NG speaks (a test compares
# phonemes).
NEAR_WORDS = (
    # near yes
    "yet", "yell", "yeast", "yak", "yarn", "yard", "year", "yesterday", "less", "mess", "guess", "chess", "dress", "press",
    "stress", "guest", "best", "west", "jest", "said", "says", "ace", "ice",
    # near no and go
    "snow", "toe", "row", "low", "grow", "glow", "slow", "show", "throw", "blow", "flow", "crow", "dough", "sew", "mow", "owe",
    "nose", "note", "nope", "node", "known", "now", "new", "near", "nor", "gnaw", "goat", "gold", "ghost", "goal", "goes",
    "gown", "girl", "goose", "get", "got", "gap", "cold", "coat", "coal", "code", "own", "bone", "phone", "stone", "alone",
    # near up and stop
    "cup", "pup", "cut", "but", "pub", "hub", "tub", "rub", "app", "ape", "apple", "upper", "uncle", "under", "other", "ugly",
    "top", "step", "shop", "stock", "store", "storm", "start", "star", "stay", "stamp", "staff", "stuff", "spot", "swap", "drop",
    "crop", "chop", "hop", "pop", "cop", "stoop", "steep", "stab", "sock", "strap", "tap", "tip", "soap", "soup",
    # near down
    "town", "noun", "brown", "crown", "frown", "clown", "drown", "round", "sound", "pound", "found", "ground", "hound", "dawn",
    "done", "doubt", "dine", "den", "dam", "dime", "around", "about", "out", "loud", "cloud", "mouth", "south", "mouse",
    # near left
    "lift", "loft", "let", "leaf", "leave", "laugh", "last", "list", "lost", "lest", "lead", "leg", "effort", "theft",
    "deaf", "chef", "gift", "soft", "shift", "swift", "raft", "craft", "draft", "flat", "felt", "melt", "belt",
    # near right
    "light", "night", "ride", "rate", "rat", "root", "wait", "white", "kite", "bite", "fight", "height", "tight", "might",
    "sight", "bright", "flight", "rice", "rise", "rye", "rhyme", "ripe", "rope", "road", "red", "wide", "why", "wry", "quite",
    "quiet", "riot", "fright", "cry", "try", "dry",
    # near on and off
    "in", "an", "end", "and", "aunt", "arm", "onion", "honour", "honest", "gone", "john", "lawn",
    "swan", "fawn", "pawn", "song", "long", "wrong", "strong", "con", "cough", "scoff", "often", "office", "offer",
    "awful", "oft", "loaf", "oath", "moth", "cloth", "golf", "rough", "tough", "puff", "cuff", "if", "of", "ought", "oven",
    # digits, their like, and other numbers
    "ten", "eleven", "twelve", "twenty", "hundred", "thousand", "heaven", "eleventh", "fix", "sticks", "mix", "sixth", "pipe",
    "fire", "file", "life", "live", "drive", "dive", "line", "mine", "fine", "wine", "sign", "nice", "ninth", "hero", "arrow",
    "zebra", "free", "tea", "key", "sea", "knee", "treat", "true", "shoe", "do", "you", "who", "toot", "tooth", "wand", "run",
    "sun", "fun", "fork", "force", "form", "floor", "door", "more", "war", "late", "gate", "plate", "paid", "aid",
    # near the other words of Speech Commands
    "bad", "bet", "bread", "head", "dead", "bud", "board", "bert", "word", "heard", "third", "curd", "cap", "cab", "bat", "hat",
    "sat", "cart", "kit", "doc", "dig", "fog", "log", "frog", "hog", "doll", "habit", "puppy", "heavy", "hobby", "harry", "nappy",
    "horse", "hose", "how", "turn", "burn", "earn", "lane", "lean", "hollow", "fellow", "yellow", "fold", "fall", "hall",
    "afford", "ward", "award", "backup", "packet", "vision", "usual", "casual", "martin", "marble", "carbon", "sheep", "tiller",
    "wake", "woe", "what", "wool", "vow", "bow",
    # common words
    "the", "that", "this", "with", "from", "have", "they", "were", "been", "will", "would", "could", "people", "water", "music",
    "table", "paper", "garden", "window", "kitchen", "morning", "monday", "friday", "sunday", "summer", "winter", "hello",
    "goodbye", "please", "thanks", "sorry", "maybe", "okay", "open", "close", "play", "pause", "next", "back", "volume", "lamp",
    "computer", "number", "question", "answer", "mother", "father", "brother", "sister", "baby", "doctor", "teacher", "school",
    "money", "market", "coffee", "orange", "lemon", "banana", "tomato", "chicken", "river", "mountain", "island", "city",
    "country", "london", "paris", "america", "africa", "english", "german", "green", "blue", "black", "purple", "silver",
    # names
    "anna", "peter", "mary", "david", "sarah", "michael", "thomas", "laura", "robert", "emma", "oliver", "alex", "noah", "nora",
    "rita", "leo", "lily", "simon", "sheena", "melvin", "maria", "hannah", "owen", "joan", "gary", "rory", "wendy", "victor",
)  # fmt: skip

# Words of the list that sound like each other in some accent (the same test compares these).
ALIKE = (("rye", "wry"), ("anna", "hannah"))


def near_words(without: Sequence[Sequence[str]] = (), speech_commands: bool = False) -> tuple[str, ...]:
    """Return the confusable words, without the given words (keywords, held-out words) and their homophones.

    Args:
        without: lists of words to leave out.
        speech_commands: also the words of Speech Commands.

    Raises:
        KwsError: a word to leave out is none of Speech Commands', and eSpeak NG is not there to say what sounds like
            it.
    """
    left_out = {plain_word(word) for words in without for word in words}
    kept = [word for word in (*NEAR_WORDS, *(SPEECH_COMMANDS if speech_commands else ())) if word not in left_out]
    # But for these pairs nothing in the list sounds like another word of it, or like one of Speech Commands.
    alike = {word for pair in ALIKE if left_out.intersection(pair) for word in pair}
    if own := sorted(left_out - set(SPEECH_COMMANDS) - set(NEAR_WORDS)):
        try:
            alike |= homophones(kept, own)
        except KwsError as error:
            raise KwsError(f"data.extra: {error}; or train without the extra sources: extra=none") from error
    return tuple(word for word in kept if word not in alike)


def homophones(words: Sequence[str], others: Sequence[str], language: str = "en") -> set[str]:
    """Those of the words that sound like one of the others in some accent, by eSpeak NG's phonemes.

    Raises:
        KwsError: eSpeak NG is not installed, or has no such language.
    """
    found: set[str] = set()
    with Engine() as engine:
        for accent in accents(language):
            said = {_bare(engine.phonemes(other, accent)) for other in others} - {""}
            found.update(word for word in words if _bare(engine.phonemes(word, accent)) in said)
    return found


def _bare(phonemes: str) -> str:
    """Phonemes without the marks of stress and length."""
    return re.sub(r"[',%=_:]", "", phonemes)
