"""Break the Kotlin decoder at each of its limits in turn, and see that the golden traces notice.

    python mobile/android/checks/mutate_decoder.py [FILE.kt]

Works on a copy; needs Java 17 and Maven. Prints a table, and exits with status 1 where a change goes unnoticed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ANDROID = Path(__file__).parents[1]
GOLDEN = ANDROID.parents[1] / "tests/golden"
# File, what stands there, what takes its place.
MUTATIONS = (
    ("Decoder.kt", "passedMs > settings.suppressionMs", "passedMs >= settings.suppressionMs"),
    ("Decoder.kt", "passedMs > settings.suppressionMs", "passedMs > settings.suppressionMs + 1"),
    ("Decoder.kt", "found == SILENCE || passedMs", "passedMs"),
    ("Decoder.kt", "average[top] <= thresholds[top]", "average[top] < thresholds[top]"),
    ("Decoder.kt", "average[foundIndex] <= releases", "average[foundIndex] < releases"),
    ("Decoder.kt", "passedMs >= settings.repeatHeldMs", "passedMs > settings.repeatHeldMs"),
    ("Decoder.kt", "run < settings.consecutiveWindows", "run <= settings.consecutiveWindows"),
    ("Decoder.kt", "average[label] > average[top]", "average[label] >= average[top]"),
    ("Decoder.kt", "releases[foundIndex]) released = true", "releases[foundIndex]) released = false"),
    ("Decoder.kt", "            run = 0\n            released = true", "            run = 0"),
    ("Decoder.kt", "settings.thresholdOf(labels[it]).toFloat()", "settings.threshold.toFloat()"),
    ("Decoder.kt", "!settings.repeatWords || isQuiet(found)", "!settings.repeatWords"),
    ("ScoreWindow.kt", "times[start] < timeMs - windowMs", "times[start] <= timeMs - windowMs"),
    ("ScoreWindow.kt", "times[start] < timeMs - windowMs", "times[start] < timeMs - windowMs - 1"),
    ("ScoreWindow.kt", "timeMs - times[start] < youngestMs", "timeMs - times[start] <= youngestMs"),
    ("ScoreWindow.kt", "count < minimumCount", "count <= minimumCount"),
    ("ScoreWindow.kt", "windowMs / 4", "(windowMs + 3) / 4"),
    ("ScoreWindow.kt", "row[label] / count.toFloat()", "row[label] * (1f / count)"),
)


def tests_pass(project: Path) -> bool:
    command = ["mvn", "--batch-mode", "--quiet", "--file", str(project / "pom.xml"), "--projects", "core", "test"]
    answer = subprocess.run([*command, "-Dtest=GoldenTracesTest"], capture_output=True, text=True, check=False)
    if "COMPILATION ERROR" in answer.stdout or "Compilation failure" in answer.stdout:
        raise SystemExit(answer.stdout)
    return answer.returncode == 0


def main() -> int:
    mutations = [one for one in MUTATIONS if one[0] in (sys.argv[1:] or one)]
    unnoticed = 0
    with tempfile.TemporaryDirectory() as temporary:
        project = Path(temporary) / "mobile/android"
        shutil.copytree(ANDROID, project, ignore=shutil.ignore_patterns("target", "assets"))
        shutil.copytree(GOLDEN, Path(temporary) / "tests/golden")
        if not tests_pass(project):
            raise SystemExit("the golden traces fail before anything is changed")
        for name, old, new in mutations:
            path = project / "core/src/main/kotlin/org/kws/core" / name
            text = path.read_text(encoding="utf-8")
            if text.count(old) != 1:
                raise SystemExit(f"{name}: {old!r} is there {text.count(old)} times; once is expected")
            path.write_text(text.replace(old, new), encoding="utf-8")
            passed = tests_pass(project)
            path.write_text(text, encoding="utf-8")
            unnoticed += passed
            print(
                f"{'UNNOTICED' if passed else 'noticed':10} {name}: {' '.join(old.split())} → {' '.join(new.split())}", flush=True
            )
    print(f"{len(mutations) - unnoticed} of {len(mutations)} changes noticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
