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


class Tokenizer(Section):
    """The tokenizer: trained on the job's documents, or a pretrained one."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.pretrained) != has(self.vocabularySize)",
                "set vocabularySize to train a tokenizer, or pretrained to use one, not both",
            )
        )
    )

    algorithm: Algorithm = Algorithm.BPE
    """Algorithm that learns the vocabulary. `bpe` and `unigram` work on bytes, so they can write
    any text; `wordpiece` is BERT's."""
    vocabulary_size: int | None = Field(None, ge=300, le=1_000_000)
    """Number of tokens in the vocabulary, including special tokens."""
    pretrained: Path | None = None
    """A folder with a Hugging Face tokenizer, or its name on the hub."""

    @model_validator(mode="after")
    def _trained_or_pretrained(self) -> Self:
        if (self.pretrained is None) == (self.vocabulary_size is None):
            raise ValueError(
                "set vocabularySize to train a tokenizer, or pretrained to use one, not both"
            )
        return self
