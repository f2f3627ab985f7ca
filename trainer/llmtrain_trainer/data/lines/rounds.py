"""The rounds that take repeated lines out of documents."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from llmtrain_api.data_report import Findings, RepeatedLines
from llmtrain_api.spec.step_sections.deduplication import LineDedup
from llmtrain_trainer.data.lines.hashing import hash_lines
from llmtrain_trainer.data.lines.parts import bytes_of, without
from llmtrain_trainer.data.lines.repeated import (
    PARTITION_LINES,
    RepeatedInUnit,
    find_repeated,
    show_frequent,
)
from llmtrain_trainer.data.lines.task import LineTask
from llmtrain_trainer.data.rewriting import Rewritten, rewrite, take_rewritten
from llmtrain_trainer.data.rounds import Compared, Each
from llmtrain_trainer.data.shuffle import Partition, partitions
from llmtrain_trainer.data.steps.base import Dropped
from llmtrain_trainer.units import committed


class WithoutLines(Rewritten):
    """Report on a unit without repeated lines."""

    lines: int
    """Lines that were taken out."""
    bytes: int


def remove_lines(compared: Compared, name: str, section: LineDedup, home: Path, each: Each) -> None:
    """Take lines that came before in other documents out of all documents.

    Args:
        compared: what was found so far; its documents become those without repeated lines.
        name: the step's name in the data report.
        section: the step's settings.
        home: folder of all that is made.
        each: carries out a round.
    """
    task = LineTask(name, section, compared.documents, home)
    units = range(len(task.documents.units))
    hashed = each(partial(hash_lines, task=task), units, "hashing lines")
    shares = partitions(sum(report.num_lines for report in hashed), PARTITION_LINES)
    found = each(partial(find_repeated, task=task), shares, "comparing lines")
    (frequent,) = each(partial(show_frequent, task=task), [found], "looking at repeated lines")
    write = partial(_write, partitions=shares, task=task)
    reports = each(write, units, "taking out repeated lines")
    take_rewritten(compared, task.rewritten, reports)
    compared.findings[name] = Findings(
        lines=RepeatedLines(
            lines=sum(report.lines for report in reports),
            bytes=sum(report.bytes for report in reports),
            most_frequent=frequent.lines,
        )
    )


def _write(unit: int, partitions: Sequence[Partition], task: LineTask) -> WithoutLines:
    target = task.rewritten / task.documents.units[unit].name
    return committed(target, partial(_rewrite, unit, partitions, task), WithoutLines)


def _rewrite(
    unit: int, partitions: Sequence[Partition], task: LineTask, folder: Path
) -> WithoutLines:
    repeated = RepeatedInUnit(unit, partitions, task)
    lines = num_bytes = 0

    def change(row: int, text: str) -> str | Dropped:
        nonlocal lines, num_bytes
        hashes = repeated.of(row)
        if not hashes:
            return text
        shortened = without(text, task.section, hashes)
        lines += len(shortened.removed)
        num_bytes += bytes_of(shortened.removed)
        return shortened.text

    written = rewrite(unit, task.documents, task.name, change, folder)
    return WithoutLines(
        num_kept=written.num_kept, steps=written.steps, lines=lines, bytes=num_bytes
    )
