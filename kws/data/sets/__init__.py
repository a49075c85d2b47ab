"""Fixed sets of clips: validation, testing, words kept out of training."""
