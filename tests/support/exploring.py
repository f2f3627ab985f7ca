"""How many inputs a test draws: a few in `make test`, the same each time; more in `make fuzz`."""

from hypothesis import settings

EXPLORES = not settings().derandomize
"""Whether this is `make fuzz`."""


def examples(usual: int, exploring: int) -> int:
    """How many examples hypothesis draws for a test.

    Args:
        usual: in `make test`.
        exploring: in a round of `make fuzz`.
    """
    return exploring if EXPLORES else usual
