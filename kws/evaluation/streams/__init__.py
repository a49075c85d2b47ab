"""Score detections in streams, simulate streams, tune the decoder. NumPy only."""
