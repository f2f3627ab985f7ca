"""The minor versions of llmtrain that work together."""

from typing import Final

MINOR: Final = "0.2"
"""This version."""
PREVIOUS: Final = "0.1"
"""The version whose objects and run configs are understood beside those of this one."""
