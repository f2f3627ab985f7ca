"""The models that score documents: checked before the stage works, loaded once in each process."""

from collections.abc import Callable
from functools import lru_cache

from llmtrain_api.spec.step_sections.classifier import Classifier
from llmtrain_api.spec.step_sections.perplexity import Perplexity
from llmtrain_trainer.data.step_files import StepFiles

ScoringSection = Classifier | Perplexity
"""The settings of a step that scores documents."""
Score = Callable[[str], float]
"""The score of a text; NaN where the model knows nothing of it."""


@lru_cache(maxsize=1)
def loaded(files: StepFiles, section: ScoringSection) -> Score:
    """The function that scores a text; a process holds one model.

    Raises:
        UserError: the model cannot be loaded, or does not know the label.
    """
    if isinstance(section, Perplexity):
        from llmtrain_trainer.data.scores.language_model import load_language_model

        return load_language_model(files, section)
    if _is_fast_text(files):
        from llmtrain_trainer.data.scores.fast_text import load_fast_text

        return load_fast_text(files, section)
    from llmtrain_trainer.data.scores.hugging_face import load_classifier

    return load_classifier(files, section)


def check_model(files: StepFiles, section: ScoringSection) -> None:
    """Make sure that a model can be used, as far as its weights are not needed for it.

    Raises:
        UserError: it cannot be loaded, or does not know the label.
    """
    if isinstance(section, Perplexity):
        from llmtrain_trainer.data.scores.language_model import require_language_model

        require_language_model(files)
        return
    if _is_fast_text(files):
        from llmtrain_trainer.data.scores.fast_text import require_fast_text

        require_fast_text(files, section)
        return
    from llmtrain_trainer.data.scores.hugging_face import require_classifier

    require_classifier(files, section)


def _is_fast_text(files: StepFiles) -> bool:
    return not files.path.is_dir()
