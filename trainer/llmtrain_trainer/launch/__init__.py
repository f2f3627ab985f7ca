"""Starts the ranks of a training stage: by Ray Train in a job, by torchrun without Ray."""
