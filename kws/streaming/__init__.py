"""Spotting words in continuous sound: scores over time in, detections out. NumPy only."""
