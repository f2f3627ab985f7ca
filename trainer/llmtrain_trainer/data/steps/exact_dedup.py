"""The step `exactDedup`: documents whose text came before are dropped."""

from collections.abc import Callable, Mapping, Sequence

from llmtrain_api.spec.step_sections.deduplication import ExactDedup
from llmtrain_trainer.data.steps.base import CorpusStep, Dropped


class ExactDedupStep(CorpusStep[ExactDedup]):
    """Keeps the first of the documents with the same key; about 100 bytes of memory for each."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        return {"repeated": "the same text came before"}

    def prepare(self) -> Callable[[Sequence[bytes]], list[bytes | Dropped]]:
        """Begin with no document seen."""
        seen: set[bytes] = set()

        def apply(keys: Sequence[bytes]) -> list[bytes | Dropped]:
            kept: list[bytes | Dropped] = []
            for key in keys:
                kept.append(Dropped("repeated") if key in seen else key)
                seen.add(key)
            return kept

        return apply
