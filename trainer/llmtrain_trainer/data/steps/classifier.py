"""The step `classifier`: documents are chosen by the scores that a model gives them.

Its rounds are in `data/scores`.
"""

from collections.abc import Mapping

from llmtrain_api.spec.step_sections.classifier import Classifier
from llmtrain_trainer.data.steps.base import Step

NO_SCORE = "noScore"
TOO_LOW = "min"
TOO_HIGH = "max"
NOT_AMONG_TOP = "keepTop"


class ClassifierStep(Step[Classifier]):
    """Keeps documents by their scores."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        section = self.section
        found = {NO_SCORE: "no word that the model knows"}
        if section.min is not None:
            found[TOO_LOW] = f"a score below {section.min:g}"
        if section.max is not None:
            found[TOO_HIGH] = f"a score above {section.max:g}"
        if section.keep_top is not None:
            share = f"{100 * section.keep_top:g}%"
            found[NOT_AMONG_TOP] = f"not among the {share} of their source with the highest scores"
        return found
