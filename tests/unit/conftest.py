"""What holds for all unit tests: those that are not marked `slow` start no processes."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_running: list[pytest.Item] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Remember which unit test runs; pytest calls this for tests of other folders too."""
    is_ours = item.path.is_relative_to(_HERE)
    if is_ours:
        _running.append(item)
    try:
        return (yield)
    finally:
        if is_ours:
            _running.pop()


def _look(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse a process that a test starts; libraries start others, such as `uname`."""
    starts = event == "os.fork" or (event == "subprocess.Popen" and arguments[0] == sys.executable)
    if starts and _running and not _running[-1].get_closest_marker("slow"):
        raise AssertionError(f"{_running[-1].nodeid} starts a process: mark it `slow`")


sys.addaudithook(_look)
