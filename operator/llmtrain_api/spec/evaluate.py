"""The evaluate section: measurements of the models, and gates."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from llmtrain_api.base import OneOf, Path, Section, Text, rule, rules, written
from llmtrain_api.spec.data import Data

_LOWEST_TEMPERATURE = 0.01


class HeldOutDocs(Section):
    """Multiple-choice questions: which of four texts continues a held-out document?"""

    questions: int = Field(200, ge=1, le=10_000)
    """Number of multiple-choice questions."""


class LmEval(Section):
    """A task of the lm-evaluation-harness whose data are local files."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=189)]
    """Name of the task, with which its metrics' names begin (253 characters at most)."""
    include: Path
    """Folder that holds the task's YAML file, and from which its relative `data_files` start."""
    few_shot: int = Field(0, ge=0, le=100)
    """Number of solved examples before each question."""
    limit: int | None = Field(None, ge=1, le=1_000_000)
    """Number of questions asked; all of them by default."""
    chat_template: bool | None = None
    """Whether each question is written as a user's message, with the tokenizer's chat template. The
    default is true after fine-tuning, and for an open model that has a template."""
    trust_task_code: bool = False
    """Whether code that the task brings along is run: Python functions (`!function`), metrics from
    scripts, templates without a sandbox. Read it first: it runs with all rights of the job."""


class Task(OneOf):
    """An evaluation task; exactly one kind is set."""

    held_out_docs: HeldOutDocs | None = None
    lm_eval: LmEval | None = None

    @property
    def name(self) -> str:
        """Prefix of its metrics."""
        return self.lm_eval.name if self.lm_eval else "heldOutDocs"


class ContaminatedTexts(StrEnum):
    """Treatment of training texts that hold a question of the evaluation's tasks."""

    REMOVE = "remove"
    REPORT = "report"
    IGNORE = "ignore"


class Generations(Section):
    """Sample texts that the model writes, for people to read."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.temperature == 0.0 || self.temperature >= 0.01",
                "temperature must be 0, or 0.01 and more",
            )
        )
    )

    prompts: Annotated[tuple[Text, ...], Field(min_length=1, max_length=64)]
    """Beginnings of the sample texts; after fine-tuning each is asked as a user's message."""
    max_new_tokens: int = Field(64, ge=1, le=4096)
    """Largest number of tokens in a sample text; it ends sooner where the model ends it."""
    temperature: float = Field(0.0, ge=0, le=10)
    """Sampling temperature that divides the logits; 0 always takes the likeliest token."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if 0 < self.temperature < _LOWEST_TEMPERATURE:
            raise ValueError(f"temperature must be 0, or 0.01 and more; found {self.temperature:g}")
        return self


class Gate(Section):
    """A bound on a metric; the job fails where it is not met."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("has(self.min) || has(self.max)", "set min, max or both"),
            rule(
                "!has(self.min) || !has(self.max) || self.min <= self.max",
                "min must not exceed max",
            ),
        )
    )

    metric: Annotated[
        str,
        StringConstraints(pattern=r"^[-A-Za-z0-9_./]+$", max_length=253),
        written("the name of a metric, such as bitsPerByte or heldOutDocs/accuracy"),
    ]
    """Name of the metric: `bitsPerByte`, `perplexity`, or a task's metric as `task/metric`, such as
    `heldOutDocs/accuracy`."""
    min: float | None = None
    """Smallest value of the metric that passes."""
    max: float | None = None
    """Largest value of the metric that passes."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("set min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min must not exceed max; {self.min:g} > {self.max:g}")
        return self


_NO_COPIES = "data: augment makes copies of training documents; remove it"
_NAME = "(has({0}.lmEval) ? {0}.lmEval.name : 'heldOutDocs')"
"""CEL for a task's name."""


class Evaluate(Section):
    """Evaluation of the final model, and of the pretrained one beside it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"self.tasks.all(t, self.tasks.exists_one(u, {_NAME.format('u')}"
                f" == {_NAME.format('t')}))",
                "two tasks have the same name",
            ),
            rule("!has(self.data) || !has(self.data.augment)", _NO_COPIES),
        )
    )

    data: Data | None = None
    """Text to score in a job without a data section; all of it is used."""
    bits_per_byte: bool = True
    """Whether bits per UTF-8 byte of held-out text are measured, which are comparable between
    tokenizers."""
    tasks: Annotated[tuple[Task, ...], Field(max_length=64)] = ()
    """Tasks whose right answers are known, such as multiple-choice questions."""
    contaminated_texts: ContaminatedTexts = ContaminatedTexts.REMOVE
    """Treatment of documents and conversations that hold a question of `tasks`: 13 of its words in
    a row, or all of them in a question of 8 to 12. `remove` leaves them out of the training.
    `report` trains on them, and each result is also given without their questions. Both name them
    in the reports. `ignore` does not look for them."""
    generations: Generations | None = None
    gates: Annotated[tuple[Gate, ...], Field(max_length=64)] = ()
    """Bounds on measured metrics; the job fails where one is not met."""

    @model_validator(mode="after")
    def _task_names_differ(self) -> Self:
        names = [task.name for task in self.tasks]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two tasks have the same name, {twice}; remove one")
        return self

    @model_validator(mode="after")
    def _nothing_is_copied(self) -> Self:
        if self.data is not None and self.data.augment is not None:
            raise ValueError(_NO_COPIES)
        return self
