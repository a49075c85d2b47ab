"""From folders of sound to batches of features."""
