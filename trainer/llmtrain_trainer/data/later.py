"""What later stages need of the documents, known before hours are spent on them."""

from collections.abc import Iterator

from llmtrain_trainer.data.documents import row_groups
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.held_out_docs import Question, make_questions
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokenizer.control_tokens import TextTokenizer


def missing_questions(context: StageContext) -> Iterator[str]:
    """Warn of tasks that have fewer questions than they are to ask.

    Raises:
        UserError: the held-out documents yield no question at all.
    """
    for asked, questions in _held_out_docs(context):
        if len(questions) < asked:
            yield (
                f"evaluate.tasks: heldOutDocs will ask {len(questions)} questions instead of "
                f"{asked}: the held-out documents yield no more; raise data.validationFraction "
                "for more"
            )


def require_room_for_questions(context: StageContext) -> None:
    """Make sure that the model to be pretrained can read the answers that it must choose from.

    Raises:
        UserError: an answer has more tokens than its context.
    """
    model, pretrain = context.config.model, context.config.pretrain
    if model is None or pretrain is None or model.init_from is not None:
        return
    room = model.context_length or pretrain.sequence_length
    state = (context.workspace.tokenizer / "tokenizer.json").read_text(encoding="utf-8")
    for _, questions in _held_out_docs(context):
        choices = [choice for question in questions for choice in question.choices]
        longest = max(map(len, TextTokenizer(state).encode_ids(choices)))
        if longest > room:
            raise UserError(
                f"evaluate.tasks: an answer of heldOutDocs has {longest} tokens, more than the "
                f"model's context of {room}; raise tokenizer.vocabularySize, model.contextLength "
                "or pretrain.sequenceLength, or remove the task",
                reason="QuestionsTooLong",
            )


def _held_out_docs(context: StageContext) -> Iterator[tuple[int, list[Question]]]:
    """The number of questions that is wanted, and those that there are."""
    evaluate = context.config.evaluate
    for task in evaluate.tasks if evaluate and context.config.data else ():
        if task.held_out_docs is not None:
            groups = row_groups(context.workspace.documents / "validation")
            texts = [text for group in groups for text in group.texts()]
            asked = task.held_out_docs.questions
            yield asked, make_questions(texts, asked)
