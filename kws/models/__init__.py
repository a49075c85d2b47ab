"""Networks: features (batch, frames, bins) to logits (batch, labels), as plain modules, one family a file."""
