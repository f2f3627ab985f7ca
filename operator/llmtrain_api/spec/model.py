"""The model's shape."""

from enum import StrEnum
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from llmtrain_api.base import Path, Section, rule, rules


class Family(StrEnum):
    """An architecture of Hugging Face `transformers`."""

    GPT2 = "gpt2"
    LLAMA = "llama"


class Model(Section):
    """The model's shape, or a pretrained model to start from."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.initFrom)"
                " || (has(self.layers) && has(self.hiddenSize) && has(self.heads))",
                "set layers, hiddenSize and heads, or initFrom",
            ),
            rule(
                "!has(self.initFrom)"
                " || !(has(self.layers) || has(self.hiddenSize) || has(self.heads)"
                " || has(self.keyValueHeads) || has(self.intermediateSize)"
                " || has(self.vocabularySize) || has(self.contextLength))",
                "with initFrom the shape comes from the pretrained model; remove the sizes",
            ),
            rule(
                "!has(self.hiddenSize) || !has(self.heads) || self.hiddenSize % self.heads == 0",
                "hiddenSize must be divisible by heads",
            ),
            rule(
                "!has(self.keyValueHeads) || !has(self.heads)"
                " || self.heads % self.keyValueHeads == 0",
                "heads must be divisible by keyValueHeads",
            ),
            rule(
                "self.family != 'gpt2' || !has(self.keyValueHeads) || !has(self.heads)"
                " || self.keyValueHeads == self.heads",
                "gpt2 has as many keyValueHeads as heads",
            ),
            rule(
                "self.family != 'llama' || !has(self.hiddenSize) || !has(self.heads)"
                " || self.hiddenSize % (2 * self.heads) == 0",
                "llama needs an even hiddenSize / heads",
            ),
        )
    )

    family: Family = Family.LLAMA
    layers: int | None = Field(None, ge=1, le=512)
    """Transformer blocks."""
    hidden_size: int | None = Field(None, ge=8, le=65536)
    """Width of the residual stream."""
    heads: int | None = Field(None, ge=1, le=1024)
    """Attention heads."""
    key_value_heads: int | None = Field(None, ge=1, le=1024)
    """Heads of keys and values (grouped-query attention); as many as `heads` by default."""
    intermediate_size: int | None = Field(None, ge=8, le=1_048_576)
    """Width of the feed-forward layer; by default 4 x hiddenSize (gpt2), or 8/3 x hiddenSize
    rounded up to a multiple of 256, of 64 for small models (llama)."""
    vocabulary_size: int | None = Field(None, ge=2, le=1_000_000)
    """Rows of the embedding; by default the tokenizer's."""
    context_length: int | None = Field(None, ge=8, le=1_048_576)
    """Longest sequence; by default pretraining's sequenceLength."""
    dropout: float | None = Field(None, ge=0, lt=1)
    """Dropout of embeddings, attention and residuals; llama has attention dropout only. By default
    none in a new model, and with `initFrom` what the pretrained model says."""
    tie_embeddings: bool = True
    """Share the weights of the embedding and the output layer."""
    init_from: Path | None = None
    """A folder with a pretrained model (safetensors), or its name on the hub."""

    @model_validator(mode="after")
    def _shape(self) -> Self:
        sizes = (self.layers, self.hidden_size, self.heads)
        if self.init_from is None and None in sizes:
            raise ValueError("set layers, hiddenSize and heads, or initFrom")
        derived = (
            *sizes,
            self.key_value_heads,
            self.intermediate_size,
            self.vocabulary_size,
            self.context_length,
        )
        if self.init_from is not None and any(size is not None for size in derived):
            raise ValueError(
                "with initFrom the shape comes from the pretrained model; remove the sizes"
            )
        if self.hidden_size and self.heads and self.hidden_size % self.heads:
            raise ValueError(
                f"hiddenSize must be divisible by heads; {self.hidden_size} is not by {self.heads}"
            )
        if self.heads and self.key_value_heads and self.heads % self.key_value_heads:
            raise ValueError(
                "heads must be divisible by keyValueHeads; "
                f"{self.heads} is not by {self.key_value_heads}"
            )
        return self

    @model_validator(mode="after")
    def _shape_of_the_family(self) -> Self:
        if self.hidden_size is None or self.heads is None:
            return self
        shared = self.key_value_heads not in {None, self.heads}
        if self.family is Family.GPT2 and shared:
            raise ValueError(
                f"gpt2 has as many keyValueHeads as heads; remove it, or set {self.heads}"
            )
        head_size = self.hidden_size // self.heads
        if self.family is Family.LLAMA and head_size % 2:  # rotary positions turn pairs of numbers
            raise ValueError(
                f"llama needs an even hiddenSize / heads; {self.hidden_size} / {self.heads} is "
                f"{head_size}"
            )
        return self
