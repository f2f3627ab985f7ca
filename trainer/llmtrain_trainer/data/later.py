"""What later stages need of the documents, known before hours are spent on them."""

from collections.abc import Iterator

from llmtrain_trainer.data.documents import row_groups
from llmtrain_trainer.evaluate.held_out_docs import make_questions
from llmtrain_trainer.stage import StageContext


def missing_questions(context: StageContext) -> Iterator[str]:
    """Warn of tasks that have fewer questions than they are to ask.

    Raises:
        UserError: the held-out documents yield no question at all.
    """
    evaluate = context.config.evaluate
    for task in evaluate.tasks if evaluate else ():
        if task.held_out_docs is None:
            continue
        groups = row_groups(context.workspace.documents / "validation")
        asked = task.held_out_docs.questions
        found = len(make_questions([text for group in groups for text in group.texts()], asked))
        if found < asked:
            yield (
                f"evaluate.tasks: heldOutDocs will ask {found} questions instead of {asked}: the "
                "held-out documents yield no more; raise data.validationFraction for more"
            )
