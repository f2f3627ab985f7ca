"""How much memory a rank takes."""

import resource
import sys

import torch

_RESIDENT_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in what getrusage counts in: see its manual page."""


def peak_memory_bytes() -> int:
    """The most that this rank has held: of its GPU's memory, or of the machine's without one."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RESIDENT_UNIT
