"""Files that other programs run: ONNX, TorchScript, PyTorch Mobile, ExecuTorch; each compared before it is kept."""

from kws.export.exporter import export as export
from kws.export.formats import FORMATS as FORMATS
from kws.export.stream_exporter import export_streaming as export_streaming
