"""Figures of clips, streams and evaluations, drawn with Matplotlib."""
