"""Checks GPUs and links of a worker group before its first step."""
