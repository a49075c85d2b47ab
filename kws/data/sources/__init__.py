"""Where clips come from: a folder, Speech Commands, its official test sets."""
