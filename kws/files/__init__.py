"""Files whatever is in them: written whole, JSON, names, the version they carry."""
