"""Front ends: waveforms to features by matrix products, the same in training and in exported models."""

from kws.frontend.features import Average as Average
from kws.frontend.features import LogMel as LogMel
from kws.frontend.features import Mfcc as Mfcc
from kws.frontend.features import MfccTorchaudio as MfccTorchaudio
from kws.frontend.front_end import FrontEnd as FrontEnd
from kws.frontend.front_end import create_front_end as create_front_end
from kws.frontend.front_end import list_front_ends as list_front_ends
from kws.frontend.front_end import register_front_end as register_front_end
