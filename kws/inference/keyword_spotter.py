"""Keywords in a stream of sound, as it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from kws.inference.decoder_options import changed_settings, model_settings
from kws.inference.keyword_model import AnyModel, as_keyword_model
from kws.inference.loading import open_scorer
from kws.labels import LabelSet
from kws.streaming.events import Detection
from kws.streaming.spotter import Spotter

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kws.inference.decoder_options import DecoderOptions


class KeywordSpotter:
    """Finds keywords in a stream, fed in chunks of any size; its memory does not grow with the stream.

    Any number of spotters may share a model, one for each stream.

    Args:
        model: what `load_model` gave, or the path of a model, which is then loaded with one thread.
        threshold: the averaged score above which a keyword is found, 0 to 1; None: the model's own.
        settings: others of the decoder, `kws.streaming.DecoderSettings`, in place of the model's own.

    Attributes:
        model: loaded.
        settings: all of them, as they are used.

    Raises:
        KwsError: no such model, a name that is no setting, or settings that do not fit the model.
    """

    def __init__(self, model: AnyModel, threshold: float | None = None, **settings: Unpack[DecoderOptions]) -> None:
        self.model = as_keyword_model(model, threads=1)
        self.settings = changed_settings(model_settings(self.model.loaded), threshold, settings)
        self._spotter = Spotter(open_scorer(self.model.loaded, self.settings.stride_ms), self.settings)

    @property
    def labels(self) -> LabelSet:
        """The model's labels."""
        return self.model.labels

    @property
    def sample_rate(self) -> int:
        """Samples a second of the sound it takes."""
        return self.model.sample_rate

    def process(self, chunk: ArrayLike) -> list[Detection]:
        """Take in the next sound.

        Args:
            chunk: int16, or float in [-1, 1], (samples,), at `sample_rate`; any number, also none.

        Returns:
            What was found with it. A keyword is found once its windows agree, some tenths of a second after it was
            said.

        Raises:
            InputError: another type or shape, or NaN or infinite samples; nothing was taken in, and the stream can go
                on.
        """
        samples: Any = chunk  # the spotter makes it an array, and says what is wrong with it
        return self._spotter.feed(samples)

    def skip(self, samples: int) -> list[Detection]:
        """Tell that so many samples were lost: time goes on, and nothing before the gap is joined to anything after it.

        Returns:
            An empty list, for nothing is found in a gap.

        Raises:
            InputError: less than none.
        """
        return self._spotter.skip(samples)

    def flush(self) -> list[Detection]:
        """End the stream: what is found in its last windows. Then a new stream begins at time 0."""
        return self._spotter.flush()

    def reset(self) -> None:
        """Forget the stream; a new one begins at time 0."""
        self._spotter.reset()
