"""Clips: folders of recordings, splits, sets, background noise. NumPy only."""

from kws.data.background import Background as Background
from kws.data.corpus import Corpus as Corpus
from kws.data.corpus import open_corpus as open_corpus
from kws.data.sets.clip_set import ClipSet as ClipSet
from kws.data.sets.split_set import open_split as open_split
from kws.data.sets.test_set import open_test_set as open_test_set
from kws.data.sources.folder import Folder as Folder
from kws.data.sources.official_test_set import SpeechCommandsTestSet as SpeechCommandsTestSet
from kws.data.sources.speech_commands import SpeechCommands as SpeechCommands
from kws.data.splits import HashedSplit as HashedSplit
from kws.data.splits import ListedSplit as ListedSplit
