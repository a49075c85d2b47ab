"""Speech made by eSpeak NG: speakers, rooms, words that sound alike. NumPy only."""

from kws.synthesis.confusables import near_words as near_words
from kws.synthesis.corpus import Synthetic as Synthetic
