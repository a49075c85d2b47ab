"""Augmentation of waveforms and features, for whole batches on their device."""

from kws.augment.augment import Augment as Augment
from kws.augment.augment import Gain as Gain
from kws.augment.augment import PitchShift as PitchShift
from kws.augment.augment import Speed as Speed
from kws.augment.augment import TimeShift as TimeShift
from kws.augment.augment import TimeStretch as TimeStretch
from kws.augment.negatives import Negatives as Negatives
from kws.augment.noise import BackgroundNoise as BackgroundNoise
from kws.augment.noise import NoiseBank as NoiseBank
from kws.augment.noise import SnrNoise as SnrNoise
from kws.augment.noise_gate import NoiseGate as NoiseGate
from kws.augment.spec_augment import SpecAugment as SpecAugment
