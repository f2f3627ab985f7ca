"""The step `language`: documents in other languages are dropped."""

from collections.abc import Mapping

from llmtrain_api.spec.step_sections.language import LANGUAGES, Language
from llmtrain_trainer.data.steps.base import DocumentStep, Dropped, TextFunction, one_by_one

_UNKNOWN = "unknown"
_LONGEST = 100_000
"""Characters from the beginning of a document that are looked at."""


class LanguageStep(DocumentStep[Language]):
    """Keeps documents by their language; the rule that drops one is its language's code."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        languages = {code: f"most likely in the language {code}" for code in LANGUAGES}
        return {**languages, _UNKNOWN: f"in no language with a probability of {self.section.min:g}"}

    def prepare(self) -> TextFunction:
        """Load the model in py3langid's wheel, which takes about a second."""
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        keep, smallest = set(self.section.keep), self.section.min

        def apply(text: str) -> str | Dropped:
            ranking: list[tuple[str, float]] = identifier.rank(text[:_LONGEST])
            likeliest, probability = ranking[0]
            if sum(share for code, share in ranking if code in keep) >= smallest:
                return text
            if likeliest in keep or likeliest not in LANGUAGES or probability < smallest:
                return text if self.section.keep_unknown else Dropped(_UNKNOWN)
            return Dropped(likeliest)

        return one_by_one(apply)
