"""The model's shape."""

from enum import StrEnum
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


def _of_some_families() -> dict[str, list[Family]]:
    """Fields that not every family has, and the families that have them."""
    definitions = {family: family.definition for family in Family}
    experts = [family for family, each in definitions.items() if each.new_experts]
    return {
        "headSize": [family for family, each in definitions.items() if each.keys.head_size],
        "intermediateSize": [f for f, each in definitions.items() if each.keys.feed_forward_width],
        "slidingWindow": [family for family, each in definitions.items() if each.keys.window],
        "experts": experts,
        "expertsPerToken": experts,
        "balanceWeight": experts,
    }


def _missing(field: str, families: list[Family]) -> str:
    return f"{field} is for {', '.join(families)} alone; remove it, or set another family"


def _field_rules() -> list[dict[str, Any]]:
    """A rule for each field that not every family has; with initFrom the family is the model's."""
    return [
        rule(
            f"has(self.initFrom) || !has(self.{field})"
            f" || self.family in [{', '.join(repr(str(family)) for family in families)}]",
            _missing(field, families),
        )
        for field, families in _of_some_families().items()
    ]


_LEAST_DEFAULT_EXPERTS = min(
    family.definition.new_experts.number for family in Family if family.definition.new_experts
)


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


def _windows() -> str:
    """The families' default windows: `512 (one); all (another)`."""
    definitions = {family: family.definition for family in Family if family.definition.keys.window}
    return "; ".join(f"{each.new_window or 'all'} ({name})" for name, each in definitions.items())


def _always_scaled() -> str:
    return ", ".join(family for family in Family if not family.definition.residual_outputs)


class Initialization(StrEnum):
    """Ways to draw new weights, besides the families' own."""

    DEPTH_SCALED = "depthScaled"


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
                " || has(self.vocabularySize) || has(self.contextLength) || has(self.headSize)"
                " || has(self.experts) || has(self.expertsPerToken) || has(self.slidingWindow)"
                " || has(self.initialization))",
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
                "!has(self.expertsPerToken) || self.expertsPerToken"
                f" <= (has(self.experts) ? self.experts : {_LEAST_DEFAULT_EXPERTS})",
                "expertsPerToken must be at most experts",
            ),
            *_field_rules(),
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
    head_size: int | None = Field(None, ge=8, le=1024)
    """Width of a head; `hiddenSize / heads` by default."""
    intermediate_size: int | None = Field(
        None,
        ge=8,
        le=1_048_576,
        description=f"Width of the feed-forward layer; by default {_default_widths()}.",
    )
    experts: int | None = Field(None, ge=2, le=1024)
    """Number of experts in a block, each of the width `intermediateSize`; 8 by default."""
    experts_per_token: int | None = Field(None, ge=1, le=1024)
    """Number of experts that a token goes through; 2 by default."""
    balance_weight: float | None = Field(None, ge=0, le=10)
    """Weight of the term of the loss that has the experts evenly used (Fedus et al. 2021). By
    default 0.001 in a new model, and with `initFrom` what the pretrained model says."""
    sliding_window: int | None = Field(
        None,
        ge=1,
        le=1_048_576,
        description="Positions that a position sees in the layers with a window, itself included; "
        f"by default {_windows()}.",
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
    initialization: Initialization | None = Field(
        None,
        description="How new weights are drawn; the family's own way by default. With "
        "`depthScaled`, those that write into the residual stream are divided by the root of twice "
        "the number of layers (Radford et al. 2019, section 2.3); "
        f"{_always_scaled()} always does that.",
    )
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
            self.head_size,
            self.experts,
            self.experts_per_token,
            self.sliding_window,
            self.initialization,
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
        experts = self.experts or _LEAST_DEFAULT_EXPERTS
        if self.experts_per_token and self.experts_per_token > experts:
            raise ValueError(
                f"expertsPerToken must be at most experts; {self.experts_per_token} is more than "
                f"{experts}"
            )
        return self

    @model_validator(mode="after")
    def _fields_of_the_family(self) -> Self:
        if self.init_from is not None:
            return self
        given = self.model_dump(by_alias=True, exclude_none=True)
        for field, families in _of_some_families().items():
            if field in given and self.family not in families:
                raise ValueError(f"{_missing(field, families)}; family is {self.family}")
        return self

    @model_validator(mode="after")
    def _shape_of_the_family(self) -> Self:
        if self.hidden_size is None or self.heads is None:
            return self
        sizes = HeadSizes(
            self.hidden_size,
            self.heads,
            self.key_value_heads or self.heads,
            self.head_size or self.hidden_size // self.heads,
        )
        for each in self.family.definition.rules:
            if fault := each.fault(sizes):
                raise ValueError(fault)
        return self
