"""The step `spelling`: misspelled words are counted, or corrected.

Its rounds are in `data/spelling`.
"""

from llmtrain_api.spec.step_sections.spelling import Spelling
from llmtrain_trainer.data.steps.base import Step


class SpellingStep(Step[Spelling]):
    """Drops no document."""
