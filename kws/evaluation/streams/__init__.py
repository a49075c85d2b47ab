"""Measure detections in a stream, simulate streams, tune a decoder. NumPy only."""
