"""The page that plays the clips a model got wrong: plain HTML, nothing fetched from elsewhere, no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from kws.evaluation.confusion import ConfusedPair

# Pairs of labels on the page; the rest is in the JSON.
_PAIRS = 20
_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 64rem; margin: 0 auto; padding: 1rem }
table { border-collapse: collapse }
caption { text-align: left; font-weight: bold; padding: .5rem 0 }
th, td { text-align: left; padding: .15rem .8rem .15rem 0; border-bottom: 1px solid #8886 }
td.number, th.number { text-align: right }
article { border-top: 1px solid #8888; padding: .5rem 0 1.5rem }
img { max-width: 100%; height: auto; background: white }
audio { display: block; margin: .5rem 0 }
code { overflow-wrap: anywhere }
"""


@dataclass(frozen=True)
class HeardClip:
    """A clip that was copied out to be heard.

    Attributes:
        file: the clip's name in the data.
        sound, picture: its copy and its picture, relative to the page.
        label, predicted: the truth, and the likeliest label.
        scores: of each label, by name.
    """

    file: str
    sound: str
    picture: str
    label: str
    predicted: str
    scores: Mapping[str, float]

    @property
    def confidence(self) -> float:
        """The likeliest label's score."""
        return self.scores[self.predicted]


def error_page(
    title: str, summary: str, wrong: Sequence[HeardClip], doubtful: Sequence[HeardClip], pairs: Sequence[ConfusedPair]
) -> str:
    """The page, as text.

    Args:
        title: of the page.
        summary: a sentence under it.
        wrong: clips with wrong answers, in their order.
        doubtful: clips with right answers that were hardly so.
        pairs: labels taken for others.
    """
    parts = [
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>\n<p>{escape(summary)}</p>",
        _pairs(pairs),
        _section("Wrong, the most confident first", wrong, "No clip is wrong."),
        _section("Right, but hardly: of each label the least confident", doubtful, "No clip is right."),
        "</main>\n</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _pairs(pairs: Sequence[ConfusedPair]) -> str:
    if not pairs:
        return ""
    head = '<tr><th scope="col">truth</th><th scope="col">predicted</th>'
    head += '<th scope="col" class="number">clips</th><th scope="col" class="number">of the truth\'s</th></tr>'
    rows = "\n".join(
        f'<tr><td>{escape(pair.truth)}</td><td>{escape(pair.prediction)}</td><td class="number">{pair.count}</td>'
        f'<td class="number">{100 * pair.share:.1f} %</td></tr>'
        for pair in pairs[:_PAIRS]
    )
    caption = "Labels taken for others" + (f", the {_PAIRS} commonest of {len(pairs)} pairs" if len(pairs) > _PAIRS else "")
    return f"<table>\n<caption>{caption}</caption>\n<thead>{head}</thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _section(heading: str, clips: Sequence[HeardClip], none: str) -> str:
    articles = "\n".join(_article(clip) for clip in clips) or f"<p>{none}</p>"
    return f"<section>\n<h2>{escape(heading)}</h2>\n{articles}\n</section>"


def _article(clip: HeardClip) -> str:
    truth, predicted = escape(clip.label), escape(clip.predicted)
    said = f"{truth} taken for {predicted}" if clip.label != clip.predicted else f"{truth}, and heard as such"
    likeliest = sorted(clip.scores.items(), key=lambda score: -score[1])[:3]
    scores = ", ".join(f"{escape(name)} {score:.3f}" for name, score in likeliest)
    file = escape(clip.file)
    return (
        f"<article>\n<h3>{said}, {100 * clip.confidence:.1f} %</h3>\n<p><code>{file}</code>: {scores}</p>\n"
        f'<audio controls preload="none" src="{quote(clip.sound)}" aria-label="Play {file}"></audio>\n'
        f'<img src="{quote(clip.picture)}" loading="lazy" width="1000" height="400" alt="Waveform, log-mel features and scores of'
        f' {file}: {scores}">\n</article>'
    )
