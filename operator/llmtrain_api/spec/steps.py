"""The steps of the data section: what is done to the documents, in the order of the list.

A step is a section in `step_sections`, a field of `Step`, and a class in
`llmtrain_trainer/data/steps`.
"""

from typing import Annotated, get_args

from pydantic import AfterValidator, Field

from llmtrain_api.base import OneOf, rule, rules
from llmtrain_api.spec.step_sections.classifier import Classifier
from llmtrain_api.spec.step_sections.cleaning import EmojiToText, Html, Unicode, Whitespace
from llmtrain_api.spec.step_sections.deduplication import ExactDedup, LineDedup, NearDedup
from llmtrain_api.spec.step_sections.language import Language
from llmtrain_api.spec.step_sections.perplexity import Perplexity
from llmtrain_api.spec.step_sections.privacy import Pii
from llmtrain_api.spec.step_sections.quality import (
    C4,
    FineWeb,
    Gopher,
    GopherRepetition,
    Length,
)
from llmtrain_api.spec.step_sections.spelling import Spelling
from llmtrain_api.spec.step_sections.toxicity import Toxicity


class Step(OneOf):
    """One step of the work on the documents; exactly one kind."""

    html: Html | None = None
    unicode: Unicode | None = None
    whitespace: Whitespace | None = None
    emoji_to_text: EmojiToText | None = None
    length: Length | None = None
    gopher: Gopher | None = None
    gopher_repetition: GopherRepetition | None = None
    c4: C4 | None = None
    fine_web: FineWeb | None = None
    language: Language | None = None
    toxicity: Toxicity | None = None
    pii: Pii | None = None
    exact_dedup: ExactDedup | None = None
    line_dedup: LineDedup | None = None
    near_dedup: NearDedup | None = None
    classifier: Classifier | None = None
    perplexity: Perplexity | None = None
    spelling: Spelling | None = None

    @property
    def compares_documents(self) -> bool:
        """Whether the step compares documents."""
        return self.kind in _comparing_kinds()


_COMPARING_LAST = "steps that compare documents must come after all others"


def _comparing_kinds() -> list[str]:
    return [
        str(field.alias)
        for field in Step.model_fields.values()
        for section in get_args(field.annotation)
        if getattr(section, "compares_documents", False)
    ]


def _comparing_steps_last(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    compares = [step.compares_documents for step in steps]
    if compares != sorted(compares):
        first = compares.index(True)
        later = compares.index(False, first)
        raise ValueError(
            f"{_COMPARING_LAST}, for workers apply the others before documents come together; "
            f"move [{later}] before [{first}]"
        )
    return steps


_COMPARES = " || ".join(f"has(s.{kind})" for kind in _comparing_kinds())

DEFAULT_STEPS = (
    Step(html=Html()),
    Step(unicode=Unicode()),
    Step(gopher=Gopher()),
    Step(exact_dedup=ExactDedup()),
)

Steps = Annotated[
    tuple[Step, ...],
    Field(
        min_length=1,
        max_length=32,
        json_schema_extra={
            **rules(rule(f"self.map(s, {_COMPARES}).isSorted()", _COMPARING_LAST)),
            "default": [step.model_dump(mode="json", exclude_none=True) for step in DEFAULT_STEPS],
        },
    ),
    AfterValidator(_comparing_steps_last),
]
