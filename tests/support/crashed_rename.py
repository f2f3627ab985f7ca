"""Stops the code under test before a counted rename, and leaves the disk as a killed process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from llmtrain_trainer import files, units


class KilledError(BaseException):
    """Nothing catches it."""


@contextmanager
def killed_before_rename(number: int) -> Iterator[None]:
    """Raise `KilledError` before a rename within the block; from then on nothing is cleaned up.

    Args:
        number: counted from 1.
    """
    left = number
    rename, remove = Path.rename, files.remove_folder

    def counted(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left == 0:
            raise KilledError
        return rename(path, target)

    def while_alive(folder: Path) -> None:
        if left > 0:
            remove(folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", counted)
        for module in (files, units):
            patch.setattr(module, "remove_folder", while_alive)
        yield
