"""Which changes of a manifest a run can go on with.

What a stage has done stays what the manifest says of it. So a section may change until a stage
has used it, but for those fields that change nothing that is learned.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pydantic import BaseModel, TypeAdapter

from llmtrain_api.spec.job import LLMTrainingJob
from llmtrain_api.stages import Stage

_FREE = {
    "spec.image",
    "spec.workspace",
    "spec.compute",
    "spec.policy",
    "spec.pretrain.checkpoint",
    "spec.pretrain.validation",
    "spec.pretrain.earlyStopping",
    "spec.pretrain.compile",
    "spec.pretrain.microBatchSize",
    "spec.finetune.checkpoint",
    "spec.finetune.microBatchSize",
}
"""What may change at any time: a checkpoint of the trainer's does not ask for them either."""
_FIRST_USERS = {"spec.seed": Stage.PRETRAIN, "spec.model": Stage.PRETRAIN} | {
    f"spec.{stage}": stage for stage in Stage
}
_ANY: TypeAdapter[object] = TypeAdapter(object)
_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Change:
    """One field that is not what it was."""

    field: str
    """As it is written: `spec.pretrain.tokens`."""
    before: object
    """None where it was left out."""

    @property
    def undone(self) -> str:
        """What to do to have it as it was."""
        if self.before is None:
            return f"remove {self.field}"
        written = _ANY.dump_python(self.before, mode="json", exclude_defaults=True)
        text = json.dumps(written, ensure_ascii=False)
        shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
        return f"set {self.field}: {shown}"

    @property
    def free(self) -> bool:
        """Whether it changes nothing that is learned."""
        return any(f"{self.field}.".startswith(f"{field}.") for field in _FREE)

    def used_by(self, begun: Collection[Stage]) -> bool:
        """Whether one of these stages has used what it was, or should have."""
        user = next((s for f, s in _FIRST_USERS.items() if f"{self.field}.".startswith(f"{f}.")))
        order = list(Stage)
        return any(order.index(stage) >= order.index(user) for stage in begun)


def hindrances(
    before: LLMTrainingJob, now: LLMTrainingJob, begun: Collection[Stage]
) -> list[Change]:
    """The changes that a run cannot go on with.

    Args:
        before: what it was begun with.
        now: what it should go on with.
        begun: the stages that have done something that would have to be done again.
    """
    found = [change for change in _changes(before.spec, now.spec, "spec") if not change.free]
    hindering = [change for change in found if change.used_by(begun)]
    if before.metadata.name != now.metadata.name:
        hindering.insert(0, Change("metadata.name", before.metadata.name))
    return hindering


def _changes(before: BaseModel, now: BaseModel, path: str) -> Iterator[Change]:
    for name, field in type(before).model_fields.items():
        old, new = getattr(before, name), getattr(now, name)
        if old == new:
            continue
        inner = f"{path}.{field.alias or name}"
        if isinstance(old, BaseModel) and isinstance(new, BaseModel):
            yield from _changes(old, new, inner)
        else:
            yield Change(inner, old)
