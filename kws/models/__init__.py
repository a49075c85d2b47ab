"""Networks: features to logits. One family a file; importing this folder registers them all."""

from kws.models.bc_resnet import BcResNet as BcResNet
from kws.models.bc_tc_resnet import BcTcResNet as BcTcResNet
from kws.models.conv import Conv as Conv
from kws.models.ds_cnn import DsCnn as DsCnn
from kws.models.ds_tc_resnet import DsTcResNet as DsTcResNet
from kws.models.low_latency_conv import LowLatencyConv as LowLatencyConv
from kws.models.registry import create_model as create_model
from kws.models.registry import list_models as list_models
from kws.models.registry import register_model as register_model
from kws.models.single_fc import SingleFc as SingleFc
from kws.models.svdf import LowLatencySvdf as LowLatencySvdf
from kws.models.tiny_conv import TinyConv as TinyConv
from kws.models.tiny_conv import TinyEmbeddingConv as TinyEmbeddingConv
