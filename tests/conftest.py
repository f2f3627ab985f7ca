"""What holds for all tests."""

import signal

import pytest
from hypothesis import HealthCheck, settings

# `make test` draws the same input each time. `make fuzz` draws another, and prints how to repeat
# what it finds.
for _name, _same in (("repeatable", True), ("exploring", False)):
    settings.register_profile(
        _name,
        derandomize=_same,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],  # a machine may be busy
    )
settings.load_profile("repeatable")


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start.

    A shell without job control starts what it puts in the background deaf to it, and so are all
    processes after that one.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left with it alone in the end."""
    items.sort(key=lambda item: "e2e" not in item.path.parts)
