"""Files whatever is in them: written whole, JSON, tables of text, names, the version they carry."""
