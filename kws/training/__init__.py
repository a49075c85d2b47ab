"""Training: one run from its configuration to its report, with Lightning and Hydra."""
