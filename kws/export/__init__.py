"""Export: a checkpoint to one file that takes sound and gives scores, compared with the checkpoint before it is kept."""
