"""`kws prepare`: the user's own recordings to clips to train on."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kws.files.table import text_table

if TYPE_CHECKING:
    from kws.data.prepare import PrepareSettings, Report

COLUMNS = ("kept", "short", "clipped", "silent", "duplicate", "unreadable")

EPILOG = """\
IN holds one folder per word, with the recordings of that word in it: WAV, FLAC, Ogg, Opus, MP3 or AIFF, of any rate,
channels and length. Each recording should hold its word ONCE: of a recording with several words one after another only
the loudest stretch is kept, so cut such recordings into single words first.

Longer recordings are cut to their loudest --clip-ms; shorter ones are put in the middle of silence. A folder
_background_noise_ is converted whole, without cutting. Name the files SPEAKER_nohash_NUMBER.wav: names are kept, and
all clips of a speaker then fall into the same one of the training, validation and testing sets.

IN is only read. OUT appears when all is done, or not at all.

example, with the files my_words/yes/anna_nohash_1.wav, my_words/no/anna_nohash_1.flac, my_words/no/ben_nohash_1.wav:
  kws prepare my_words clips
  kws prepare my_words clips --min-ms 300 --silent-dbfs -50 --json > report.json
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kws prepare` and its arguments."""
    parser = subparsers.add_parser(
        "prepare",
        help="turn your own recordings into clips to train on",
        description="Turn recordings, one folder per word, into mono 16-bit clips to train on.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("source", metavar="IN", type=Path, help="folder with one folder of recordings per word")
    add("out", metavar="OUT", type=Path, help="folder to be made: OUT/<word>/<name>.wav")
    add("--sample-rate", "--rate-hz", metavar="HZ", type=int, default=16_000, help="rate of the clips (default: %(default)s)")
    add("--clip-ms", metavar="MS", type=float, default=1000.0, help="length of a clip (default: %(default)g)")
    add("--min-ms", metavar="MS", type=float, default=200.0, help="leave out shorter recordings (default: %(default)g)")
    add(
        "--clipped-fraction",
        metavar="SHARE",
        type=float,
        default=0.005,
        help="report a clip with a greater share of its samples at full scale, 0 to 1; it is kept (default: %(default)g)",
    )
    add(
        "--silent-dbfs",
        metavar="DB",
        type=float,
        default=-60.0,
        help="leave out a recording whose loudest clip is below this level (root mean square; default: %(default)g)",
    )
    add("--force", action="store_true", help="where OUT holds something, move that to OUT.old-1; nothing is deleted")
    add("--json", action="store_true", help="print the report as JSON, each recording with what became of it")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from kws.data.prepare import PrepareSettings, prepare
    from kws.errors import KwsError

    settings = PrepareSettings(args.sample_rate, args.clip_ms, args.min_ms, args.clipped_fraction, args.silent_dbfs)
    report = prepare(args.source, args.out, settings, force=args.force)
    if args.json:
        print(json.dumps(as_json(report, settings, args.source, args.out), indent=2))
    else:
        for line in text(report, args.out, args.clip_ms):
            print(_printable(line))
    if not report.kept:
        raise KwsError(f"{args.source}: none of its {len(report.recordings)} recordings could be kept; OUT was not written")
    return 0


def table(report: Report) -> dict[str, dict[str, int]]:
    """Count the recordings of each word: all, kept, clipped (also among the kept), left out by reason."""
    counts = {word: dict.fromkeys(("recordings", *COLUMNS), 0) for word in report.empty_words}
    for recording in report.recordings:
        row = counts.setdefault(recording.word, dict.fromkeys(("recordings", *COLUMNS), 0))
        row["recordings"] += 1
        row[recording.outcome] += 1
        row["clipped"] += recording.clipped
    return dict(sorted(counts.items()))


def text(report: Report, out: Path, clip_ms: float = 1000.0) -> list[str]:
    """Return the report as text: what was left out or is doubtful, the counts, where the clips are."""
    from kws.audio.cutting import note_on_longer

    lines = [f"{entry} (passed over)" for entry in report.ignored]
    for recording in report.recordings:
        if recording.reason:
            verdict = "clipped" if recording.clipped else recording.outcome
            lines.append(f"{recording.source}: {verdict}: {recording.reason}")
    counts = table(report)
    total = {column: sum(row[column] for row in counts.values()) for column in ("recordings", *COLUMNS)}
    lines += [""] if lines else []
    rows = [(word, *row.values()) for word, row in [*counts.items(), ("total", total)]]
    lines += text_table(("", *total), rows).splitlines()
    if total["clipped"]:
        lines.append("clipped recordings are among the kept: listen to them before you train")
    if report.previous:
        lines.append(f"what was in {out} is now in {report.previous}")
    if longer := sum(recording.cut for recording in report.recordings):
        lines.append(note_on_longer(longer, report.kept, clip_ms / 1000, "loudest", "kept"))
    if report.kept:
        lines.append(f"{report.kept} clips are in {out}")
    return lines


def as_json(report: Report, settings: PrepareSettings, source: Path, out: Path) -> dict[str, Any]:
    """Return the report as JSON values."""
    return {
        "in": str(source),
        "out": str(out) if report.kept else None,
        "previous": str(report.previous) if report.previous else None,
        "settings": asdict(settings),
        "words": table(report),
        "recordings": [asdict(recording) for recording in report.recordings],
        "ignored": list(report.ignored),
    }


def _printable(line: str) -> str:
    # A file name need not be UTF-8, nor the terminal.
    encoding = sys.stdout.encoding or "utf-8"
    return line.encode(encoding, "backslashreplace").decode(encoding)
