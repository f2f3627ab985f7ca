"""The step `language`: documents in other languages are dropped."""

from collections.abc import Mapping

from llmtrain_api.spec.step_sections.language import LANGUAGES, Language
from llmtrain_trainer.data.languages import identifier, languages_of
from llmtrain_trainer.data.steps.base import DocumentStep, Dropped, Judged, TextFunction, one_by_one

UNKNOWN = "unknown"
"""The label of a document in no language with enough probability."""


class LanguageStep(DocumentStep[Language]):
    """Counts documents by their language, and keeps those in some.

    The rule that drops a document is its language's code.
    """

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        languages = {code: f"most likely in the language {code}" for code in LANGUAGES}
        return {**languages, UNKNOWN: f"in no language with a probability of {self.section.min:g}"}

    def prepare(self) -> TextFunction:
        """Load the model."""
        identifier()
        keep, smallest = set(self.section.keep), self.section.min

        def apply(text: str) -> Judged:
            ranking = languages_of(text)
            likeliest, probability = ranking[0]
            is_known = likeliest in LANGUAGES and probability >= smallest
            fits = sum(share for code, share in ranking if code in keep) >= smallest
            label = likeliest if is_known or (fits and likeliest in keep) else UNKNOWN
            if not keep or fits:
                return Judged(text, label, probability)
            if likeliest in keep or not is_known:
                unknown = text if self.section.keep_unknown else Dropped(UNKNOWN)
                return Judged(unknown, label, probability)
            return Judged(Dropped(likeliest), label, probability)

        return one_by_one(apply)
