"""What holds for all tests."""

import signal

import pytest


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start.

    A shell without job control starts what it puts in the background deaf to it, and so are all
    processes after that one.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left with it alone in the end."""
    items.sort(key=lambda item: "e2e" not in item.path.parts)
