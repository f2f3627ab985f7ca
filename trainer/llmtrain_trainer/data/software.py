"""Identifies the software that makes documents: units of two versions never make one corpus."""

import hashlib
import sys
from importlib.metadata import version
from pathlib import Path

from llmtrain_trainer.completion import fingerprint

LIBRARIES = (
    "datasets",
    "emoji",
    "ftfy",
    "numpy",
    "py3langid",
    "pyarrow",
    "pydantic",
    "resiliparse",
    "zstandard",
)
"""All libraries that the code of this package imports."""


def software() -> str:
    """A digest of this package's code, of its libraries' versions and of Python's."""
    package = Path(__file__).parent
    code = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        code.update(path.read_bytes())
    versions = (f"{name} {version(name)}" for name in LIBRARIES)
    return fingerprint([sys.version, code.hexdigest(), *versions])
