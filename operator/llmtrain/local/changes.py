"""Finds changes of a manifest that a started run cannot continue with.

The results of a stage must match the manifest. A section may therefore change only until a stage
has used it, except for fields that do not affect what is learned; the sections mark those.
"""

import json
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import dropwhile

from pydantic import TypeAdapter

from llmtrain_api.base import Section, UsedByNewModel
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.stages import Stage

_ANY: TypeAdapter[object] = TypeAdapter(object)
_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Change:
    """One field whose value has changed."""

    field: str
    """Path of the field as people write it: `spec.pretrain.tokens`."""
    before: object
    """Earlier value; None if the field was absent."""
    of_new_model: bool = False
    """Whether only the stage that makes a new model uses it."""

    @property
    def undone(self) -> str:
        """Instruction that restores the earlier value."""
        if self.before is None:
            return f"remove {self.field}"
        written = _ANY.dump_python(self.before, mode="json", exclude_defaults=True)
        text = json.dumps(written, ensure_ascii=False)
        shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
        return f"set {self.field}: {shown}"

    def used_by(self, begun: AbstractSet[Stage]) -> bool:
        """Whether one of these stages has used the earlier value."""
        if self.of_new_model:
            makers = dropwhile(lambda stage: not stage.makes_new_model, Stage)
            return not begun.isdisjoint(tuple(makers))
        _, name, *_ = self.field.split(".")
        users = dropwhile(lambda stage: name not in {stage.value, *stage.row.uses}, Stage)
        # A field outside the stages' sections may be used by all stages.
        return not begun.isdisjoint(tuple(users) or tuple(Stage))


def blocking_changes(
    before: LLMTrainingJob, now: LLMTrainingJob, begun: AbstractSet[Stage]
) -> list[Change]:
    """The changes that a started run cannot continue with.

    Args:
        before: manifest at the start of the run.
        now: manifest to continue with.
        begun: stages with results that would have to be made again.
    """
    changes = _changes(before.spec, now.spec, "spec")
    blocking = [change for change in changes if change.used_by(begun)]
    if before.metadata.name != now.metadata.name:
        blocking.insert(0, Change("metadata.name", before.metadata.name))
    return blocking


def _changes(before: Section, now: Section, path: str) -> Iterator[Change]:
    """The fields that differ, except for those that may change at any time."""
    for name, field in type(before).model_fields.items():
        old, new = getattr(before, name), getattr(now, name)
        if old == new or name in before.changeable_fields():
            continue
        inner = f"{path}.{field.alias or name}"
        if isinstance(old, Section) and isinstance(new, Section):
            yield from _changes(old, new, inner)
            continue
        inside = list(_changes_of_items(old, new, inner))
        if inside and all(change.of_new_model for change in inside):
            yield from inside
        else:
            of_new_model = any(isinstance(mark, UsedByNewModel) for mark in field.metadata)
            yield Change(inner, old, of_new_model=of_new_model)


def _changes_of_items(before: object, now: object, path: str) -> Iterator[Change]:
    """The same for the items of two lists of as many sections; none for other values."""
    if not isinstance(before, tuple) or not isinstance(now, tuple) or len(before) != len(now):
        return
    for number, (old, new) in enumerate(zip(before, now, strict=True)):
        if isinstance(old, Section) and isinstance(new, Section):
            yield from _changes(old, new, f"{path}[{number}]")
