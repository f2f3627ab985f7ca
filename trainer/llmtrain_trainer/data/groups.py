"""The groups that a document is in: its script, and what steps took it for, such as a language.

Each unit stores those of its documents beside their keys, so that they are counted again after the
last step.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from llmtrain_api.data_report import GroupReport

SCRIPT = "script"
"""The kind of the groups that every document has one of; others have the names of steps."""

Groups = tuple[tuple[str, str], ...]
"""Kinds of groups, each with the document's group of that kind."""

GroupCounts = Mapping[str, Mapping[str, GroupReport]]
"""Documents by kind and group."""

_NAMES_FILE = "groups.json"
_ROWS_FILE = "groups.npy"


def write_groups(folder: Path, rows: Sequence[Groups]) -> None:
    """Write the groups of a unit's documents, in their order."""
    numbers = {groups: number for number, groups in enumerate(dict.fromkeys(rows))}
    (folder / _NAMES_FILE).write_text(json.dumps([*numbers]), encoding="utf-8")
    np.save(folder / _ROWS_FILE, np.array([numbers[groups] for groups in rows], dtype=np.uint32))


def read_groups(folder: Path) -> list[Groups]:
    """The groups of each document of a unit."""
    stored = json.loads((folder / _NAMES_FILE).read_text(encoding="utf-8"))
    names = [tuple((kind, name) for kind, name in groups) for groups in stored]
    return [names[number] for number in np.load(folder / _ROWS_FILE)]


def count_groups(
    *,
    received: Iterable[Groups] = (),
    passed: Iterable[Groups] = (),
    kept: Iterable[Groups] = (),
) -> dict[str, dict[str, GroupReport]]:
    """The documents of each group, by how far they came."""
    read, through, left = (
        Counter(pair for groups in documents for pair in groups)
        for documents in (received, passed, kept)
    )
    counts: dict[str, dict[str, GroupReport]] = {}
    for kind, name in dict.fromkeys((*read, *through, *left)):
        pair = (kind, name)
        counts.setdefault(kind, {})[name] = GroupReport(
            received=read[pair], passed=through[pair], kept=left[pair]
        )
    return counts


def add_groups(first: GroupCounts, second: GroupCounts) -> dict[str, dict[str, GroupReport]]:
    """The documents of each group in both."""
    together = {kind: dict(groups) for kind, groups in first.items()}
    for kind, groups in second.items():
        same = together.setdefault(kind, {})
        for name, group in groups.items():
            same[name] = same.get(name, GroupReport()) + group
    return together
