"""Exported models: one file that takes sound, gives scores, and knows its labels and settings. A runtime a module."""
