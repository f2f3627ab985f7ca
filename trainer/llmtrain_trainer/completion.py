"""Marks finished results, so that a rerun does not repeat them.

A stage that finished leaves a marker among its results, with a fingerprint of all that it was
made from. A rerun with the same fingerprint has nothing to do.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

MARKER = "complete.json"


def fingerprint(parts: Iterable[str]) -> str:
    """SHA-256 of the parts, including their boundaries."""
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()


def mark_complete(folder: Path, made_from: str) -> None:
    """Write the marker, as the last file of a folder that is about to be committed."""
    (folder / MARKER).write_text(json.dumps({"madeFrom": made_from}) + "\n", encoding="utf-8")


def made_from(folder: Path) -> str | None:
    """The fingerprint of a folder's inputs; None if the folder is not complete."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return str(marker["madeFrom"])
