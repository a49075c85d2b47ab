"""What devices do to the sound before a program gets it, for training: in batches, on the device."""
