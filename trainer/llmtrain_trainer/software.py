"""Identifies the software that makes units: those of two versions never make one result."""

import hashlib
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from llmtrain_trainer.completion import fingerprint


def software(code: Iterable[str], libraries: Sequence[str]) -> str:
    """A digest of our code, of the libraries' versions and of Python's.

    Args:
        code: packages and modules of this one, such as `data` and `control_tokens.py`.
        libraries: all libraries that they import.
    """
    digest = hashlib.sha256()
    for path in code_files(code):
        digest.update(path.read_bytes())
    versions = (f"{name} {version(name)}" for name in libraries)
    return fingerprint([sys.version, digest.hexdigest(), *versions])


def code_files(code: Iterable[str]) -> list[Path]:
    """The files of packages and modules, always in the same order."""
    home = Path(__file__).parent
    paths = (home / name for name in code)
    return [
        file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])
    ]
