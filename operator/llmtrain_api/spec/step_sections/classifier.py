"""The step that scores documents by a model."""

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from llmtrain_api.base import Name, Path, rule, rules
from llmtrain_api.spec.step_sections.base import StepSection

_IN_ORDER = "min must not exceed max"


class Aggregate(StrEnum):
    """The score of a document by those of its parts."""

    MEAN = "mean"
    MAX = "max"


class Classifier(StepSection):
    """A choice of documents by the score that a model of your own gives them.

    Without `min`, `max` and `keepTop` all documents stay, and the data report shows how the scores
    are spread, with an example of each range: look at it first. Documents that a classifier scores
    are those that all steps on single documents have let through. A document without a word that
    the model knows is dropped.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("!has(self.min) || !has(self.max) || self.min <= self.max", _IN_ORDER)
        )
    )

    compares_documents: ClassVar[bool] = True

    model: Path
    """A folder with a model for sequence classification and its tokenizer, its name on the Hugging
    Face hub, or a file of fastText (`.bin`, `.ftz`). Weights are read from `*.safetensors` alone.
    The score is the probability of the label: by softmax, or by sigmoid where a document may have
    several labels (`problem_type` in the model's config.json). A model with one output, a
    regression, gives its output as it is."""
    label: Name | None = None
    """The label whose score counts, as the model's config.json or fastText names it. Only a
    regression needs none."""
    aggregate: Aggregate = Aggregate.MEAN
    """Score of a document that is longer than the model takes at once, 512 tokens at most: it is
    scored in parts, one after the other. `mean` weighs them by their tokens and suits quality,
    `max` takes the highest and suits toxicity. fastText takes a document as a whole."""
    min: float | None = None
    """Documents with a lower score are dropped."""
    max: float | None = None
    """Documents with a higher score are dropped."""
    keep_top: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of documents to keep, those with the highest scores: 0.1 is the best tenth of each
    source, rounded up. Of equal ones the first stay. It needs no threshold, whose meaning differs
    from model to model."""

    @model_validator(mode="after")
    def _some_score_passes(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"{_IN_ORDER}; {self.min} > {self.max}")
        return self
