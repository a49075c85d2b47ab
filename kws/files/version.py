"""The version of kws, which every file that it writes carries."""

VERSION = "0.1.0"
