"""The page that plays the clips a model got wrong: plain HTML, nothing fetched from elsewhere, no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment

from kws.evaluation.confusion import ConfusedPair


@dataclass(frozen=True)
class HeardClip:
    """A clip that was copied out for listening.

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

    def likeliest(self) -> str:
        """Return the three likeliest labels and their scores."""
        ranked = sorted(self.scores.items(), key=lambda score: -score[1])[:3]
        return ", ".join(f"{name} {score:.3f}" for name, score in ranked)


def error_page(
    title: str, summary: str, wrong: Sequence[HeardClip], least_confident: Sequence[HeardClip], pairs: Sequence[ConfusedPair]
) -> str:
    """Render the page as text.

    Args:
        title: of the page.
        summary: a sentence under it.
        wrong: clips with wrong answers, in their order.
        doubtful: clips with right answers that were hardly so.
        pairs: labels taken for others.
    """
    text = (files(__package__) / "error_report.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True).from_string(text)
    return template.render(title=title, summary=summary, wrong=wrong, least_confident=least_confident, pairs=pairs)
