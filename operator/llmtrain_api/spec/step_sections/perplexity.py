"""The step that chooses documents by what a language model makes of them."""

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from llmtrain_api.base import Path, rule, rules
from llmtrain_api.spec.step_sections.base import StepSection

_SOMETHING_LEFT = "dropLowest and dropHighest together must be less than 1"

Tail = Annotated[float, Field(ge=0, lt=1)]


class Measure(StrEnum):
    """The score that a language model gives a document."""

    BITS_PER_BYTE = "bitsPerByte"
    ENTROPY = "entropy"


class Among(StrEnum):
    """The documents among which shares and numbers count."""

    SOURCE = "source"
    CORPUS = "corpus"


class Perplexity(StepSection):
    """A choice of documents by the predictions of a language model that is finished.

    The lowest scores are those of templates and lists, the highest those of broken text and other
    languages than the model has read. What is left can be reduced to the documents from which a
    model would learn the most: those that it predicts worst.

    Without `dropLowest`, `dropHighest` and `keepHighest` all documents stay, and the data report
    shows how the scores are spread, with an example of each range: look at it first.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "(has(self.dropLowest) ? self.dropLowest : 0.0)"
                " + (has(self.dropHighest) ? self.dropHighest : 0.0) < 1.0",
                _SOMETHING_LEFT,
            )
        )
    )

    compares_documents: ClassVar[bool] = True

    model: Path
    """A folder with a causal language model and its tokenizer, as llmtrain exports them, or its
    name on the Hugging Face hub. Weights are read from `*.safetensors` alone."""
    score: Measure = Measure.BITS_PER_BYTE
    """`bitsPerByte` is the cost of the text, which is the perplexity without the tokenizer's part
    in it; the same as in the evaluation. `entropy` is how unsure the model is of each next token,
    in bits, whatever comes."""
    max_bytes: int = Field(65_536, ge=256, le=16_777_216)
    """Bytes from the beginning of a document that are scored; it is cut into windows of the model's
    context, of 1,024 tokens at most."""
    drop_lowest: Tail = 0.0
    """Share of documents to drop, those with the lowest scores, rounded down."""
    drop_highest: Tail = 0.0
    """Share of documents to drop, those with the highest scores, rounded down."""
    keep_highest: int | None = Field(None, ge=1, le=1_000_000_000_000)
    """Number of documents to keep of those that are left, those with the highest scores. Of equal
    ones the first stay. With `nearDedup` before this step they are not like one another."""
    among: Among = Among.SOURCE
    """`source` counts shares and numbers in each source of the manifest, `corpus` in all of them
    together."""

    @model_validator(mode="after")
    def _something_is_left(self) -> Self:
        if self.drop_lowest + self.drop_highest >= 1:
            raise ValueError(f"{_SOMETHING_LEFT}; {self.drop_lowest:g} + {self.drop_highest:g}")
        return self
