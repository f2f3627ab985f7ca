"""The step `lineDedup`: lines and paragraphs that came before in other documents are taken out.

Its rounds are in `data/lines`.
"""

from collections.abc import Mapping

from llmtrain_api.spec.step_sections.deduplication import LineDedup
from llmtrain_trainer.data.steps.base import Step

TOO_FEW_WORDS = "minDocumentWords"


class LineDedupStep(Step[LineDedup]):
    """Keeps a line in the first document that has it."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        words = self.section.min_document_words
        return {TOO_FEW_WORDS: f"fewer than {words} words are left without repeated lines"}
