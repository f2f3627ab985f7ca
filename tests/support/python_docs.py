"""The documentation of Python, harvested once for all tests of a process: it takes seconds."""

from functools import cache

from llmtrain_trainer.data.sources.python_docs import DocEntry, harvest


@cache
def documentation() -> list[DocEntry]:
    """All of it."""
    return harvest()
