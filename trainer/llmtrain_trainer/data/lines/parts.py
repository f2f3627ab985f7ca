"""Lines or paragraphs of one document: their hashes, and the document without some of them."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import groupby

from llmtrain_api.spec.step_sections.deduplication import LineDedup, LineUnit
from llmtrain_trainer.data.documents import is_blank, normal_text
from llmtrain_trainer.data.report import num_bytes
from llmtrain_trainer.data.scripts import holds_unspaced, split_words
from llmtrain_trainer.data.steps.base import NO_TEXT, Dropped
from llmtrain_trainer.data.steps.line_dedup import TOO_FEW_WORDS


@dataclass(frozen=True)
class Part:
    """A line or paragraph, or the blank lines between two."""

    text: str
    hash: int | None
    """The hash of its text without case and white space; None where it has too few words."""


@dataclass(frozen=True)
class Shortened:
    """A document without some of its parts."""

    text: str | Dropped
    removed: tuple[str, ...]
    """The parts that were taken out."""


def parts(text: str, section: LineDedup) -> list[Part]:
    """The parts of a document, in order; joined by line ends they are the document.

    Args:
        text: the document.
        section: the step's settings.
    """
    texts = text.split("\n")
    if section.unit is LineUnit.PARAGRAPH:
        texts = ["\n".join(lines) for _, lines in groupby(texts, is_blank)]
    return [Part(each, _hash(each, section.min_words)) for each in texts]


def without(text: str, section: LineDedup, repeated: AbstractSet[int]) -> Shortened:
    """A document without the parts that are repeated.

    Args:
        text: the document.
        section: the step's settings.
        repeated: hashes of parts.
    """
    kept: list[str] = []
    removed: list[str] = []
    follows_removed = False
    for part in parts(text, section):
        if part.hash is not None and part.hash in repeated:
            removed.append(part.text)
            follows_removed = True
            continue
        # The blank lines after a paragraph go with it.
        if not (follows_removed and section.unit is LineUnit.PARAGRAPH and is_blank(part.text)):
            kept.append(part.text)
        follows_removed = False
    if not removed:
        return Shortened(text, ())
    after = "\n".join(kept).strip("\n")
    outcome: str | Dropped = after
    if is_blank(after):
        outcome = Dropped(NO_TEXT)
    elif len(split_words(after)) < section.min_document_words:
        outcome = Dropped(TOO_FEW_WORDS)
    return Shortened(outcome, tuple(removed))


def bytes_of(removed: tuple[str, ...]) -> int:
    """Bytes of parts as UTF-8."""
    return sum(map(num_bytes, removed))


def _hash(text: str, min_words: int) -> int | None:
    from xxhash import xxh3_64_intdigest

    if len(text) < min_words:  # a word has a letter at least
        return None
    words = split_words(text) if holds_unspaced(text) else text.split()
    return xxh3_64_intdigest(normal_text(text).encode()) if len(words) >= min_words else None
