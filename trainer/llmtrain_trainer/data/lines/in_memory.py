"""Removal of repeated lines from a few documents in memory."""

from collections.abc import Sequence

import numpy as np

from llmtrain_api.spec.step_sections.deduplication import LineDedup
from llmtrain_trainer.data.documents import Document, document_key
from llmtrain_trainer.data.lines.parts import parts, without
from llmtrain_trainer.data.lines.repeated import later_ones
from llmtrain_trainer.data.steps.base import Dropped

_LINE = np.dtype([("hash", "<u8"), ("document", "<u4")])


def without_repeated_lines(documents: Sequence[Document], section: LineDedup) -> list[Document]:
    """The documents that stay, without the lines that came before in others.

    Args:
        documents: all documents, in order.
        section: the step's settings.
    """
    lines = [
        (each, number)
        for number, document in enumerate(documents)
        for each in {part.hash for part in parts(document.text, section)}
        if each is not None
    ]
    found = np.array(lines, _LINE)
    found = found[np.argsort(found["hash"], kind="stable")]
    taken, _ = later_ones(found["hash"], section.min_documents)
    repeated: dict[int, set[int]] = {}
    for line, number in found[taken].tolist():
        repeated.setdefault(number, set()).add(line)
    kept = []
    for number, document in enumerate(documents):
        if number not in repeated:
            kept.append(document)
            continue
        after = without(document.text, section, repeated[number]).text
        if not isinstance(after, Dropped):
            kept.append(Document(after, document_key(after), document.source))
    return kept
