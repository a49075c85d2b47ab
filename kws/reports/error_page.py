"""HTML page that plays the clips a model got wrong: no scripts, nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment

from kws.evaluation.confusion import ConfusedPair


@dataclass(frozen=True)
class HeardClip:
    """A clip on the page, with copies of its sound and figure.

    Attributes:
        file: the clip's name in the data.
        sound, picture: its sound and its figure, relative to the page.
        label, predicted: true and predicted label.
        scores: score of each label, by name.
    """

    file: str
    sound: str
    picture: str
    label: str
    predicted: str
    scores: Mapping[str, float]

    @property
    def confidence(self) -> float:
        """Score of the predicted label."""
        return self.scores[self.predicted]

    def likeliest(self) -> str:
        """Format the three likeliest labels and their scores."""
        ranked = sorted(self.scores.items(), key=lambda score: -score[1])[:3]
        return ", ".join(f"{name} {score:.3f}" for name, score in ranked)


def error_page(
    title: str, summary: str, wrong: Sequence[HeardClip], least_confident: Sequence[HeardClip], pairs: Sequence[ConfusedPair]
) -> str:
    """Render the page as HTML.

    Args:
        title: of the page.
        summary: a sentence below it.
        wrong: clips with a wrong prediction, in this order.
        least_confident: clips with a correct prediction of low confidence.
        pairs: confused labels.
    """
    text = (files(__package__) / "error_report.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True).from_string(text)
    return template.render(title=title, summary=summary, wrong=wrong, least_confident=least_confident, pairs=pairs)
