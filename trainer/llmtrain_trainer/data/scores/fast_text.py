"""Scores by a model of fastText (Joulin et al. 2017)."""

import math
from collections.abc import Callable

from llmtrain_api.spec.step_sections.classifier import Classifier
from llmtrain_trainer.data.scores.fast_text_file import labels_in
from llmtrain_trainer.data.scores.labels import known_label
from llmtrain_trainer.data.step_files import StepFiles
from llmtrain_trainer.errors import UserError, in_one_line

_PREFIX = "__label__"


def require_fast_text(files: StepFiles, section: Classifier) -> str:
    """Make sure that a file is whole and holds a classifier with a label; it is not loaded.

    Returns:
        The label, as the model gives it.

    Raises:
        UserError: it does not.
    """
    try:
        labels = labels_in(files.path)
    except (OSError, ValueError) as error:
        raise _invalid(files, error) from error
    label = known_label(
        files.field,
        section.label and section.label.removeprefix(_PREFIX),
        [each.removeprefix(_PREFIX) for each in labels],
    )
    return _PREFIX + label


def load_fast_text(files: StepFiles, section: Classifier) -> Callable[[str], float]:
    """Load a model.

    Returns:
        The function that gives a text's score: NaN where the model knows none of its words.

    Raises:
        UserError: the file holds no classifier, or it has no such label.
    """
    from fasttext import load_model

    label = require_fast_text(files, section)
    try:
        model = load_model(str(files.path))
    except (OSError, ValueError) as error:
        raise _invalid(files, error) from error

    def score(text: str) -> float:
        # A line end would end the text: fastText reads lines.
        found, shares = model.predict(text.replace("\n", " "), k=-1, threshold=0.0)
        return float(dict(zip(found, shares, strict=True)).get(label, math.nan))

    return score


def _invalid(files: StepFiles, error: Exception) -> UserError:
    return UserError(
        f"{files.field}: {in_one_line(error)}; give a classifier that fastText has saved",
        reason="InvalidModel",
    )
