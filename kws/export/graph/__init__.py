"""Changes of an ONNX graph."""
