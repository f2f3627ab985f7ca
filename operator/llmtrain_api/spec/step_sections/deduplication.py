"""Steps that drop what came before."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from llmtrain_api.spec.step_sections.base import Share, StepSection


class ExactDedup(StepSection):
    """Removal of documents whose text, apart from white space and case, came before."""

    compares_documents: ClassVar[bool] = True


class LineUnit(StrEnum):
    """The parts of documents that are compared."""

    LINE = "line"
    PARAGRAPH = "paragraph"


class LineDedup(StepSection):
    """Removal of lines or paragraphs that stand in documents before: menus, notices, quotations.

    The first document that has one keeps it, also where it stands there several times; later
    documents lose it. Lines are equal whatever their white space and case. Documents that lose
    something and have little left are dropped.

    Source code repeats itself by nature: leave the step out there.
    """

    compares_documents: ClassVar[bool] = True

    unit: LineUnit = LineUnit.LINE
    """`line`, or `paragraph`: the lines between two blank ones."""
    min_words: int = Field(6, ge=1, le=1000)
    """Lines with fewer words stay: `}`, `Introduction`. In scripts without spaces between words,
    such as Chinese, Japanese and Thai, each letter counts as a word."""
    min_documents: int = Field(2, ge=2, le=1_000_000)
    """Documents from which on a line counts as repeated. A larger number leaves quotations, and
    takes what stands on every page of a site."""
    min_document_words: int = Field(50, ge=0, le=1_000_000)
    """Documents that lose a line are dropped where fewer words are left."""


class NearDedup(StepSection):
    """Removal of documents that share most of their sequences of words with one that stays.

    Two documents are alike if the sequences that both have are a large share of all that they have
    (their Jaccard similarity), as MinHash signatures estimate it. Documents that are alike,
    directly or through others, are a cluster. The first of each stays: that of the first source in
    the manifest, and of the first file there.

    Two documents of similarity s are compared with probability 1 - (1 - s^rowsPerBand)^bands: 0.56
    at 0.7, 0.92 at 0.8 and 0.9996 at 0.9 with the defaults, which are those of FineWeb.
    """

    compares_documents: ClassVar[bool] = True

    ngram_words: int = Field(5, ge=1, le=32)
    """Words in a sequence, whatever their case. In scripts without spaces between words, such as
    Chinese, Japanese and Thai, each letter counts as a word. A shorter document is one sequence."""
    bands: int = Field(14, ge=1, le=64)
    """Parts of a signature; documents that have one in common are compared. More of them find
    documents that are less alike, and take more time and disk."""
    rows_per_band: int = Field(8, ge=1, le=16)
    """Numbers in each part; fewer find documents that are less alike."""
    min_similarity: Share = 0.7
    """Smallest estimated similarity of two documents that count as alike."""
