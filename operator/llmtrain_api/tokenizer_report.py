"""The tokenizer report in the workspace: what was learned from, and how well text is compressed."""

from llmtrain_api.base import Record
from llmtrain_api.data_report import Size


class SourceTokens(Record):
    """The documents of one source, as text and as tokens."""

    name: str
    """As in the data report; `unknown` for documents that an older version of llmtrain wrote."""
    sample: Size | None = None
    """Documents that the vocabulary was learned from; None where the tokenizer is pretrained."""
    train: Size = Size()
    train_tokens: int = 0
    """End-of-text tokens included."""
    validation: Size = Size()
    validation_tokens: int = 0
    """End-of-text tokens included."""


class Compression(Record):
    """Held-out text as tokens, without end-of-text tokens."""

    name: str
    """A source or a script, as in the data report."""
    text: Size
    tokens: int
    compared_tokens: int | None = None
    """Tokens of `tokenizer.compareWith`; None where the manifest names none."""

    @property
    def bytes_per_token(self) -> float:
        """Bytes of UTF-8 text that a token stands for."""
        return self.text.bytes / max(self.tokens, 1)

    @property
    def compared_bytes_per_token(self) -> float | None:
        """The same of the other tokenizer."""
        if self.compared_tokens is None:
            return None
        return self.text.bytes / max(self.compared_tokens, 1)


class TokenizerReport(Record):
    """Report on a tokenizer, and on a corpus as its tokens."""

    vocabulary_size: int
    sources: tuple[SourceTokens, ...]
    """Sources in the order of the manifest; those that kept no document are left out."""
    compared_with: str | None = None
    """`tokenizer.compareWith`."""
    compared_vocabulary_size: int | None = None
    total: Compression
    """The held-out text that was measured: all, or a sample of it."""
    by_source: tuple[Compression, ...]
    by_script: tuple[Compression, ...]
    """By the script of most letters of a document; the most frequent first."""
