"""Finds the steps that a manifest lists.

The kind `exactDedup` is the class `ExactDedupStep` of the module `exact_dedup`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from llmtrain_api.spec import steps as spec
from llmtrain_api.spec.step_sections.cleaning import Html
from llmtrain_trainer.data.steps.base import NO_TEXT, CorpusStep, DocumentStep, Step
from llmtrain_trainer.data.steps.classifier import ClassifierStep
from llmtrain_trainer.data.steps.html import HtmlStep
from llmtrain_trainer.data.steps.line_dedup import LineDedupStep
from llmtrain_trainer.data.steps.near_dedup import NearDedupStep
from llmtrain_trainer.data.steps.perplexity import PerplexityStep
from llmtrain_trainer.data.steps.spelling import SpellingStep

OwnRoundsStep = NearDedupStep | LineDedupStep | ClassifierStep | PerplexityStep | SpellingStep
"""A step that compares documents by more than their keys."""
ComparingStep = CorpusStep[Any] | OwnRoundsStep
"""A step that compares documents."""


def document_steps(
    listed: Sequence[spec.Step], *, is_html: bool = False
) -> dict[str, DocumentStep[Any]]:
    """The steps that workers apply, by their names in the data report.

    Args:
        listed: the manifest's list.
        is_html: whether all documents are HTML, whatever they look like. Then the text is taken out
            of them even where the list has no `html`.
    """
    found = _steps(listed, compare=False)
    if not is_html:
        return found
    if not any(isinstance(step, HtmlStep) for step in found.values()):
        return {"html": HtmlStep(Html(), is_certain=True), **found}
    return {
        name: replace(step, is_certain=True) if isinstance(step, HtmlStep) else step
        for name, step in found.items()
    }


def comparing_steps(listed: Sequence[spec.Step]) -> dict[str, ComparingStep]:
    """The steps that compare documents, by their names in the data report."""
    return _steps(listed, compare=True)


def reasons(listed: Sequence[spec.Step]) -> dict[str, str]:
    """Descriptions of dropped documents, by step and rule as in the data report."""
    steps: Mapping[str, Step[Any]] = {
        **document_steps(listed, is_html=True),
        **comparing_steps(listed),
    }
    return {
        f"{name} {rule}": reason
        for name, step in steps.items()
        for rule, reason in {NO_TEXT: "no text", **step.reasons}.items()
    }


def _steps(listed: Sequence[spec.Step], *, compare: bool) -> dict[str, Any]:
    """Steps by name: the kind, with a number from the second of the same kind on."""
    count: Counter[str] = Counter()
    found = {}
    for each in listed:
        count[each.kind] += 1
        number = count[each.kind]
        name = each.kind if number == 1 else f"{each.kind}-{number}"
        if each.compares_documents is compare:
            found[name] = _step(each)
    return found


def _step(listed: spec.Step) -> Any:  # noqa: ANN401 - found by its name
    fields = spec.Step.model_fields.items()
    field = next(name for name, field in fields if field.alias == listed.kind)
    module = import_module(f"llmtrain_trainer.data.steps.{field}")
    make = getattr(module, f"{type(listed.section).__name__}Step")
    return make(listed.section)
