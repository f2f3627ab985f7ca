"""Rules on tensor parallelism between a job's sections: each in CEL, and in Python."""

from llmtrain_api.base import rule
from llmtrain_api.families import Family
from llmtrain_api.families.base import Architecture
from llmtrain_api.stages import Sections, Stage

_OPTIMIZING = tuple(stage for stage in Stage if stage.optimizes)
_SPLIT = [family.value for family in Family if family.definition.tensor_split is not None]
"""Families that tensor parallelism can split."""
_NEW_MODEL = "has(self.pretrain) && has(self.model) && !has(self.model.initFrom)"
_DIVIDED = ("heads", "keyValueHeads", "intermediateSize")
_FAMILIES = f"is for models of the families {', '.join(_SPLIT)}"
_NO_DROPOUT = "needs a model without dropout"


def _if_split(stage: Stage, rest: str) -> str:
    """CEL: a rule on a stage that splits a new model."""
    return f"!({_NEW_MODEL}) || !has(self.{stage}) || self.{stage}.parallel.tensor == 1 || ({rest})"


RULES = tuple(
    each
    for stage in _OPTIMIZING
    if stage.row.needs_model
    for each in (
        rule(
            _if_split(stage, f"self.model.family in {_SPLIT}"),
            f"{stage}.parallel.tensor above 1 {_FAMILIES}",
        ),
        *(
            rule(
                _if_split(
                    stage,
                    f"!has(self.model.{size})"
                    f" || self.model.{size} % self.{stage}.parallel.tensor == 0",
                ),
                f"{stage}.parallel.tensor must divide model.{size}",
            )
            for size in _DIVIDED
        ),
        rule(
            _if_split(stage, "!has(self.model.dropout) || self.model.dropout == 0.0"),
            f"{stage}.parallel.tensor above 1 {_NO_DROPOUT}",
        ),
    )
)


def require_splittable(sections: Sections) -> None:
    """The new model can be split into the parts that a stage asks for.

    Raises:
        ValueError: it cannot. The message begins with the field, and says what would work.
    """
    model = sections.model
    if model is None or sections.new_model_training is None or model.init_from is not None:
        return
    sizes = (model.heads, model.key_value_heads, model.intermediate_size)
    for stage, training in sections.trainings.items():
        tensor, field = training.parallel.tensor, f"{stage}.parallel.tensor"
        if tensor == 1:
            continue
        if model.family.definition.tensor_split is None:
            raise ValueError(f"{field} above 1 {_FAMILIES}; set 1 for {model.family}")
        for name, size in zip(_DIVIDED, sizes, strict=True):
            if size is not None and size % tensor:
                raise ValueError(
                    f"{field} must divide model.{name}; {tensor} does not divide {size}"
                )
        if model.dropout:
            raise ValueError(f"{field} above 1 {_NO_DROPOUT}; set model.dropout: 0, or 1 here")


def shape_fault(shape: Architecture, tensor: int) -> str | None:
    """Why a model of this shape is not split into so many parts; None where it can be."""
    if shape.family.tensor_split is None:
        return f"above 1 it {_FAMILIES}: set 1 for {shape.family.name}"
    sizes = {
        "heads": shape.attention.heads,
        "key-value heads": shape.attention.key_value_heads,
        "width of the feed-forward layer": shape.feed_forward.width,
    }
    for name, size in sizes.items():
        if size % tensor:
            return f"it must divide the model's {name}, {size}"
    return None
