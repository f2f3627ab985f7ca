"""The step `perplexity`: documents are chosen by how well a language model predicts them.

Its rounds are in `data/scores`.
"""

from collections.abc import Mapping

from llmtrain_api.spec.step_sections.perplexity import Among, Perplexity
from llmtrain_trainer.data.steps.base import Step
from llmtrain_trainer.data.steps.classifier import NO_SCORE

AMONG_LOWEST = "dropLowest"
AMONG_HIGHEST = "dropHighest"
NOT_AMONG_HIGHEST = "keepHighest"


class PerplexityStep(Step[Perplexity]):
    """Keeps documents by their scores."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        section = self.section
        place = "all documents" if section.among is Among.CORPUS else "their source"
        found = {NO_SCORE: "no token that the model knows"}
        if section.drop_lowest:
            found[AMONG_LOWEST] = (
                f"among the {_percent(section.drop_lowest)} of {place} with the lowest scores"
            )
        if section.drop_highest:
            found[AMONG_HIGHEST] = (
                f"among the {_percent(section.drop_highest)} of {place} with the highest scores"
            )
        if section.keep_highest is not None:
            found[NOT_AMONG_HIGHEST] = (
                f"not among the {section.keep_highest:,} of {place} with the highest scores that "
                "are left"
            )
        return found


def _percent(share: float) -> str:
    return f"{100 * share:g}%"
