"""Text for people and programs: names as the encoding allows, and nothing that a terminal would obey."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Escape control characters: a file's name must not move the cursor or end a line. Tab and \\n stay."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def json_line(content: Mapping[str, Any]) -> str:
    """Write one line of JSON that standard output can encode; names that are no UTF-8 become \\udcXX."""
    text = json.dumps(content, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(content)
    return text


def clock_time(time_ms: int) -> str:
    """Write a time of a stream as mm:ss.ss, with hours in front from the first hour on."""
    minutes, hundredths = divmod(time_ms // 10, 6000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{minutes:02}:{hundredths // 100:02}.{hundredths % 100:02}"
    return f"{hours}:{seconds}" if hours else seconds
