"""Writes units of a corpus again, where a step that compares documents changes their texts.

The new units lack the documents that were dropped before, and the keys are those of the new texts:
later steps and the split take them as they took the clean ones.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from llmtrain_api.base import Record
from llmtrain_api.data_report import StepReport
from llmtrain_trainer.data.cleaning import DOCUMENTS, stored_documents
from llmtrain_trainer.data.documents import DocumentWriter, document_key, is_blank
from llmtrain_trainer.data.drops import count_drop, dropped_rows
from llmtrain_trainer.data.groups import read_groups, write_groups
from llmtrain_trainer.data.report import StepCounter
from llmtrain_trainer.data.rounds import Compared, Documents
from llmtrain_trainer.data.shuffle import write_keys
from llmtrain_trainer.data.steps.base import NO_TEXT, Dropped

Change = Callable[[int, str], str | Dropped]
"""What becomes of a document, by its row in the unit and its text."""


class Rewritten(Record):
    """Report on a unit that was written again."""

    num_kept: int
    steps: tuple[StepReport, ...]
    """The steps that were not counted yet, and the one that changed the texts."""


def rewrite(unit: int, documents: Documents, step: str, change: Change, folder: Path) -> Rewritten:
    """Write the documents of a unit that stay, as a step changes them.

    Args:
        unit: its number.
        documents: all documents.
        step: name of the step in the data report.
        change: the step.
        folder: an empty one for the new unit.
    """
    earlier = [StepCounter(name) for name in documents.uncounted]
    own = StepCounter(step)
    dropped = dropped_rows(documents.dropped, unit)
    keys = bytearray()
    groups = read_groups(documents.units[unit])
    kept_groups = []
    with DocumentWriter(folder / DOCUMENTS, documents.sources[unit]) as writer:
        stored = stored_documents(documents.units[unit])
        for row, (text, source, _) in enumerate(stored):
            drop = dropped.get(row)
            count_drop(earlier, source, text, drop)
            if drop is not None:
                continue
            after = change(row, text)
            if not isinstance(after, Dropped) and is_blank(after):
                after = Dropped(NO_TEXT)
            own.count(source, text, after)
            if not isinstance(after, Dropped):
                writer.write(after, source)
                keys += document_key(after)
                kept_groups.append(groups[row])
    write_keys(folder, keys)
    write_groups(folder, kept_groups)
    return Rewritten(
        num_kept=writer.written.documents,
        steps=tuple(counter.report() for counter in (*earlier, own)),
    )


def take_rewritten(compared: Compared, home: Path, reports: Sequence[Rewritten]) -> None:
    """Go on with the new units.

    Args:
        compared: what the comparisons found; its documents become the new ones.
        home: folder of the new units.
        reports: reports on all of them, in order.
    """
    old = compared.documents
    compared.counted += enumerate(report.steps for report in reports)
    compared.documents = Documents(
        units=tuple(home / unit.name for unit in old.units),
        sources=old.sources,
        count=sum(report.num_kept for report in reports),
    )
