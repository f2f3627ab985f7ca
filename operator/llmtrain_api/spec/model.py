"""The model's shape."""

from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator

from llmtrain_api.base import Path, Section, rule, rules
from llmtrain_api.families import DEFAULT_FAMILY, Family
from llmtrain_api.families.rules import HeadSizes


def _family_rules() -> list[dict[str, Any]]:
    """The CEL rules of all families; each holds for the models of its own."""
    return [
        rule(f"self.family != '{family}' || {each.expression}", each.message)
        for family in Family
        for each in family.definition.rules
    ]


def _default_widths() -> str:
    """The families' default widths of the feed-forward layer: `4 x hiddenSize (one, another)`."""
    names: dict[str, list[str]] = {}
    for family in Family:
        names.setdefault(family.definition.default_width, []).append(family)
    return "; ".join(f"{width} ({', '.join(each)})" for width, each in names.items())


def _dropouts() -> str:
    """What each family's dropouts drop: `attention, embeddings (one); attention (another)`."""
    parts = {family: sorted(family.definition.dropouts.values()) for family in Family}
    return "; ".join(f"{', '.join(each)} ({family})" for family, each in parts.items())


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
            *_family_rules(),
        )
    )

    family: Family = DEFAULT_FAMILY
    layers: int | None = Field(None, ge=1, le=512)
    """Number of transformer blocks in the model."""
    hidden_size: int | None = Field(None, ge=8, le=65536)
    """Width of the residual stream."""
    heads: int | None = Field(None, ge=1, le=1024)
    """Number of attention heads in a block."""
    key_value_heads: int | None = Field(None, ge=1, le=1024)
    """Number of heads of keys and values (grouped-query attention); as many as `heads` by
    default."""
    intermediate_size: int | None = Field(
        None,
        ge=8,
        le=1_048_576,
        description=f"Width of the feed-forward layer; by default {_default_widths()}.",
    )
    vocabulary_size: int | None = Field(None, ge=2, le=1_000_000)
    """Rows of the embedding; by default as many as the tokenizer has tokens."""
    context_length: int | None = Field(None, ge=8, le=1_048_576)
    """Longest sequence in tokens; by default pretraining's sequenceLength."""
    dropout: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Probability of dropout in all places where the family has it: "
        f"{_dropouts()}. By default none in a new model, and with `initFrom` what the pretrained "
        "model says.",
    )
    tie_embeddings: bool = True
    """Whether the embedding and the output layer share their weights."""
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
        sizes = HeadSizes(self.hidden_size, self.heads, self.key_value_heads or self.heads)
        for each in self.family.definition.rules:
            if fault := each.fault(sizes):
                raise ValueError(fault)
        return self
