"""Steps that drop what came before."""

from typing import ClassVar

from pydantic import Field

from llmtrain_api.spec.step_sections.base import Share, StepSection


class ExactDedup(StepSection):
    """Removal of documents whose text, apart from white space and case, came before."""

    compares_documents: ClassVar[bool] = True


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
