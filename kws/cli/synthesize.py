"""`kws synthesize`: a corpus of made speech, to try a set of words before anyone has recorded them."""

from __future__ import annotations

import argparse
from pathlib import Path

EPILOG = """\
OUT gets one folder a word with clips of one second, 16 kHz, mono, named SPEAKER_nohash_TAKE.wav, and the folder
_background_noise_, as in Speech Commands: it can be trained on as it is. Made again with the same settings it stays as
it is; with others it is made anew. A folder with files that were not made by this command, such as notes, lists, .git or
your own recordings, is left alone: they are named, and nothing is changed.

The speech is made by eSpeak NG (pip install 'kws[synthesis]'), which is under the GPL-3.0; what it says may be used
without restriction. A network that has heard only made speech works less well on people than one that has heard people.

examples:
  kws synthesize speech --words yes,no,stop
  kws synthesize sprache --words ja,nein --other-words eins,zwei,drei,hallo --language de --voices 100 --takes 3
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kws synthesize` and its arguments."""
    parser = subparsers.add_parser(
        "synthesize",
        help="make clips of any words with a speech synthesiser",
        description="Make clips of any words with a speech synthesiser: many voices, rooms and levels.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("out", metavar="OUT", type=Path, help="folder to be made: OUT/<word>/<speaker>_nohash_<take>.wav")
    add("--words", metavar="A,B", type=_words, required=True, help="the wanted words, with commas between; _ is said as a blank")
    add("--voices", metavar="N", type=int, default=60, help="how many speakers (default: %(default)s)")
    add("--takes", metavar="N", type=int, default=2, help="how often each speaker says each word (default: %(default)s)")
    add("--other-words", metavar="A,B", type=_words, help="what is not to be answered to (default: some 40 common English words)")
    add(
        "--language",
        metavar="CODE",
        default="en",
        help="such as en (all its accents), en-us, de; several with commas between (default: %(default)s)",
    )
    add("--sample-rate", "--rate-hz", metavar="HZ", type=int, default=16_000, help="rate of the clips (default: %(default)s)")
    add("--clip-ms", metavar="MS", type=float, default=1000.0, help="length of a clip (default: %(default)g)")
    add("--noise-s", metavar="S", type=float, default=60.0, help="length of each recording of noise (default: %(default)g)")
    add("--seed", metavar="N", type=int, default=0, help="another seed, other speakers (default: %(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from kws.synthesis.corpus import RECORD, Synthetic

    corpus = Synthetic(
        args.out,
        args.words,
        args.other_words,
        voices=args.voices,
        takes=args.takes,
        sample_rate=args.sample_rate,
        clip_ms=args.clip_ms,
        language=args.language,
        noise_s=args.noise_s,
        seed=args.seed,
    )
    before = _written(args.out / RECORD)
    corpus.prepare()
    made = "was there with these settings" if before == _written(args.out / RECORD) else "made"
    words, others = len(corpus.words), len(corpus.other_words or ())
    print(f"{args.out}: {made}: wanted words: {words}, other words: {others}, voices: {args.voices}, takes: {args.takes}")
    return 0


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _written(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.is_file() else None
