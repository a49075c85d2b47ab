"""Text for people and programs: names unchanged where the encoding allows, no control characters."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Return the text with control characters escaped; tab and \\n stay.

    A file's name must not move the cursor or end a line.
    """
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def json_line(content: Mapping[str, Any]) -> str:
    """Return one line of JSON that standard output can encode.

    Names that are not UTF-8 are written as \\udcXX, which JSON readers accept.
    """
    text = json.dumps(content, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(content)
    return text


def clock_time(time_ms: int) -> str:
    """Format a time of a stream as h:mm:ss.ss; hours only where there are any."""
    minutes, hundredths = divmod(time_ms // 10, 6000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{minutes:02}:{hundredths // 100:02}.{hundredths % 100:02}"
    return f"{hours}:{seconds}" if hours else seconds
