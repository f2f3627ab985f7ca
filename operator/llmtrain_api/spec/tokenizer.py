"""The tokenizer section."""

from enum import StrEnum
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from llmtrain_api.base import Path, Section, rule, rules


class Algorithm(StrEnum):
    """Algorithm that learns a vocabulary."""

    BPE = "bpe"
    WORDPIECE = "wordpiece"
    UNIGRAM = "unigram"


_NOTHING_LEARNED = "sample is for a vocabulary that is learned; with pretrained remove it"


class TokenizerSample(Section):
    """The documents that a vocabulary is learned from, chosen by a hash: always the same ones."""

    max_bytes: int = Field(100_000_000, ge=10_000, le=100_000_000_000)
    """Bytes of text, about. The learner takes about 100 bytes of the driver's memory for each byte
    of different words: 0.6 GB for 100 MB of English, but 10 GB for 100 MB of a script without
    spaces, such as Chinese. A smaller corpus is learned from as a whole."""
    source_exponent: float = Field(1.0, ge=0, le=1)
    """Sources are represented by their bytes to this power: 1 gives each its share of the corpus,
    0 as much as any other, and values between favour the small ones, such as rare languages."""


class Tokenizer(Section):
    """The tokenizer: trained on the job's documents, or a pretrained one."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.pretrained) != has(self.vocabularySize)",
                "set vocabularySize to train a tokenizer, or pretrained to use one, not both",
            ),
            rule("!has(self.pretrained) || !has(self.sample)", _NOTHING_LEARNED),
        )
    )

    algorithm: Algorithm = Algorithm.BPE
    """Algorithm that learns the vocabulary. `bpe` and `unigram` work on bytes, so they can write
    any text, and give it back to the last byte; `wordpiece` is BERT's, which loses white space and
    rare letters."""
    vocabulary_size: int | None = Field(None, ge=300, le=1_000_000)
    """Number of tokens in the vocabulary, including special tokens."""
    pretrained: Path | None = None
    """A folder with a Hugging Face tokenizer, or its name on the hub."""
    sample: TokenizerSample | None = None
    """The documents that the vocabulary is learned from; by default about 100 MB of text."""
    compare_with: Path | None = None
    """Another tokenizer, a folder or a name on the hub: the report says how many bytes of held-out
    text a token has in it and in the job's own."""

    @model_validator(mode="after")
    def _trained_or_pretrained(self) -> Self:
        if (self.pretrained is None) == (self.vocabulary_size is None):
            raise ValueError(
                "set vocabularySize to train a tokenizer, or pretrained to use one, not both"
            )
        if self.pretrained is not None and self.sample is not None:
            raise ValueError(_NOTHING_LEARNED)
        return self
