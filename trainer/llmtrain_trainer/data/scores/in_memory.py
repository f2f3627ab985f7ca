"""Choice by scores among a few documents in memory."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby

import numpy as np

from llmtrain_trainer.data.documents import Document
from llmtrain_trainer.data.scores.choice import STAYS, Choice, Scores, is_by_source
from llmtrain_trainer.data.scores.models import ScoringSection, loaded
from llmtrain_trainer.data.scores.scoring import score_of
from llmtrain_trainer.data.step_files import StepFiles


def chosen_by_score(
    documents: Sequence[Document], section: ScoringSection, files: StepFiles
) -> list[Document]:
    """The documents that stay by their scores.

    Args:
        documents: all documents, in order, so that those of a source are neighbours.
        section: the step's settings.
        files: the model.

    Raises:
        UserError: the model cannot be loaded, or gives no number.
    """
    score = loaded(files, section)
    kept = []
    by_source = is_by_source(section)
    for _, group in groupby(documents, lambda each: by_source and each.source):
        inside = list(group)
        scores = np.array([score_of(each.text, score) for each in inside], np.float32)
        rules = Choice(section, partial(_once, scores)).take(scores)
        kept += [each for each, rule in zip(inside, rules, strict=True) if rule == STAYS]
    return kept


def _once(scores: Scores) -> tuple[Scores]:
    return (scores,)
