"""Signatures and band keys of one unit's documents: the first round of a near deduplication.

Documents that were dropped before have none, nor have those without words, which are like no other.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from llmtrain_api.base import Record
from llmtrain_api.spec.step_sections.deduplication import NearDedup
from llmtrain_trainer.data.cleaning import DOCUMENTS
from llmtrain_trainer.data.documents import is_blank, row_groups
from llmtrain_trainer.data.drops import DROP, DropFile, Rule, dropped_row_numbers
from llmtrain_trainer.data.near.shingles import shingles
from llmtrain_trainer.data.near.signatures import band_keys, shortened, signatures
from llmtrain_trainer.data.near.task import NearTask
from llmtrain_trainer.data.powers import Hashes
from llmtrain_trainer.data.shuffle import num_documents
from llmtrain_trainer.data.steps.base import NO_TEXT
from llmtrain_trainer.units import committed

SIGNATURES_FILE = "signatures.npy"
"""An array [documents, slots] of short signatures; those of documents without one mean nothing."""
BANDS_FILE = "bands.npy"
"""An array [bands, documents with words] of `BAND_ROW`, each band in the order of its keys."""
BAND_ROW = np.dtype([("key", "<u8"), ("row", "<u4")])
_UNSORTED_FILE = "unsorted.npy"
_BLANKS_FILE = "blanks.npy"


class Sketches(Record):
    """Report on the signatures of a unit."""

    num_compared: int
    """Documents with a signature."""
    num_blank: int
    """Blank documents, which no step lets through."""


def sketch(unit: int, task: NearTask) -> Sketches:
    """Write the signatures of a unit's documents."""
    return committed(task.sketch(unit), partial(_sketch, unit, task), Sketches)


def blanks(task: NearTask, reports: Sequence[Sketches]) -> list[DropFile]:
    """The blank documents.

    Args:
        task: says which deduplication.
        reports: reports on all units, in order.
    """
    rules = (Rule(step=task.name, rule=NO_TEXT),)
    return [
        DropFile(task.sketch(unit) / _BLANKS_FILE, rules)
        for unit, report in enumerate(reports)
        if report.num_blank
    ]


def sketched(
    texts: Sequence[str], section: NearDedup
) -> Iterator[tuple[NDArray[np.bool_], Hashes]]:
    """Signatures of documents, batch by batch: which of them have words, and the signatures of all.

    Args:
        texts: documents.
        section: the step's settings.
    """
    for batch in shingles(texts, section.ngram_words):
        yield batch.counts > 0, signatures(batch, section.bands * section.rows_per_band)


def _sketch(unit: int, task: NearTask, folder: Path) -> Sketches:
    section = task.section
    count = num_documents(task.units[unit])
    shape = (count, section.bands * section.rows_per_band)
    written = open_memmap(folder / SIGNATURES_FILE, "w+", np.uint16, shape)
    unsorted = open_memmap(folder / _UNSORTED_FILE, "w+", BAND_ROW, (section.bands, count))
    blank_rows: list[int] = []
    compared = 0
    for rows, texts in _documents(unit, task, blank_rows):
        start = 0
        for has_words, found in sketched(texts, section):
            batch = rows[start : start + len(found)]
            start += len(found)
            written[batch] = shortened(found)
            stop = compared + int(has_words.sum())
            for band, keys in enumerate(band_keys(found[has_words], section.bands)):
                unsorted["key"][band, compared:stop] = keys
                unsorted["row"][band, compared:stop] = batch[has_words]
            compared = stop
    bands = open_memmap(folder / BANDS_FILE, "w+", BAND_ROW, (section.bands, compared))
    for band in range(section.bands):
        stored = unsorted[band, :compared]
        bands[band] = stored[np.argsort(stored["key"], kind="stable")]
    for array in (written, bands):
        array.flush()
    (folder / _UNSORTED_FILE).unlink()
    np.save(folder / _BLANKS_FILE, np.array([(unit, row, 0) for row in blank_rows], DROP))
    return Sketches(num_compared=compared, num_blank=len(blank_rows))


def _documents(
    unit: int, task: NearTask, blank_rows: list[int]
) -> Iterator[tuple[NDArray[np.uint32], list[str]]]:
    """Rows and texts of the documents to compare, a few MB at a time.

    Args:
        unit: its number.
        task: says which documents are dropped already.
        blank_rows: gets the rows of blank ones.
    """
    dropped = frozenset(dropped_row_numbers(task.earlier, unit).tolist())
    row = 0
    for group in row_groups(task.units[unit] / DOCUMENTS):
        rows, texts = [], []
        for text in group.texts():
            if row not in dropped:
                if is_blank(text):
                    blank_rows.append(row)
                else:
                    rows.append(row)
                    texts.append(text)
            row += 1
        yield np.array(rows, np.uint32), texts
