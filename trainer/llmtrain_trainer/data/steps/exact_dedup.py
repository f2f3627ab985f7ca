"""The step `exactDedup`: documents whose text came before are dropped."""

from collections.abc import Callable, Mapping, Sequence

from llmtrain_api.spec.step_sections.deduplication import ExactDedup
from llmtrain_trainer.data.documents import Document
from llmtrain_trainer.data.steps.base import CorpusStep, Dropped


class ExactDedupStep(CorpusStep[ExactDedup]):
    """Keeps the first of the documents with the same key; about 100 bytes of memory for each."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        return {"repeated": "the same text came before"}

    def prepare(self) -> Callable[[Sequence[Document]], list[Document | Dropped]]:
        """Begin with no document seen."""
        seen: set[bytes] = set()

        def apply(documents: Sequence[Document]) -> list[Document | Dropped]:
            kept: list[Document | Dropped] = []
            for document in documents:
                kept.append(Dropped("repeated") if document.key in seen else document)
                seen.add(document.key)
            return kept

        return apply
