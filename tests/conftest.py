"""What holds for all tests."""

import signal
from pathlib import PurePosixPath

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

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


_ONE_CLUSTER = ("contract", "control_plane")
"""Folders of tests that share an API server, or a cluster without nodes."""


_LONGEST_FIRST = ("e2e", "control_plane", "training", "contract")
"""Folders of tests, in the order in which `make test` begins with them; all others follow."""


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start.

    A shell without job control starts what it puts in the background deaf to it, and so are all
    processes after that one.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left with it alone in the end."""
    items.sort(key=lambda item: _place(item.path.parent.name))


def _place(folder: str) -> int:
    return _LONGEST_FIRST.index(folder) if folder in _LONGEST_FIRST else len(_LONGEST_FIRST)


class _FilesAndFolders(LoadFileScheduling):
    """Gives each process of `make test` a file at a time, or a folder that shares one cluster.

    Each process would start a cluster of its own, which takes half a minute and computes on.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = PurePosixPath(nodeid.partition("::")[0])
        return str(path.parent if path.parent.name in _ONE_CLUSTER else path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Choose what the processes are given."""
    return _FilesAndFolders(config, log)
