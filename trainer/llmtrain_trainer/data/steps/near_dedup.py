"""The step `nearDedup`: documents that are like one that stays are dropped.

Its rounds are in `data/near`.
"""

from collections.abc import Mapping

from llmtrain_api.spec.step_sections.deduplication import NearDedup
from llmtrain_trainer.data.steps.base import Step

NEAR_REPEATED = "nearRepeated"


class NearDedupStep(Step[NearDedup]):
    """Keeps the first of each cluster of documents that are alike."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        words = self.section.ngram_words
        return {
            NEAR_REPEATED: f"about {100 * self.section.min_similarity:g}% or more of its sequences "
            f"of {words} words are those of a document that is kept, or of one that is like that"
        }
