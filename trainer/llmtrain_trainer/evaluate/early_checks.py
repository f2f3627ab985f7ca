"""Checks of tasks against documents and tokenizer, before hours are spent on training."""

from llmtrain_trainer.control_tokens import TextTokenizer
from llmtrain_trainer.data.documents import row_groups
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.held_out_docs import Question, make_questions
from llmtrain_trainer.stage import StageContext


def missing_questions(context: StageContext) -> list[str]:
    """Warnings about a task that has fewer questions than it is to ask.

    Raises:
        UserError: the held-out documents yield no question at all.
    """
    asked, questions = _held_out_docs(context)
    warning = (
        f"evaluate.tasks: heldOutDocs will ask {len(questions)} questions instead of {asked}: the "
        "held-out documents yield no more; raise data.validationFraction for more"
    )
    return [warning] if len(questions) < asked else []


def require_room_for_questions(context: StageContext) -> None:
    """Make sure that the model to be pretrained can read the answers that it must choose from.

    Raises:
        UserError: an answer has more tokens than its context.
    """
    model, training = context.config.model, context.config.new_model_training
    if model is None or training is None or model.init_from is not None:
        return
    _, questions = _held_out_docs(context)
    if not questions:
        return
    room = model.context_length or training.sequence_length
    state = (context.workspace.tokenizer / "tokenizer.json").read_text(encoding="utf-8")
    choices = [choice for question in questions for choice in question.choices]
    longest = max(map(len, TextTokenizer(state).encode_ids(choices)))
    if longest > room:
        raise UserError(
            f"evaluate.tasks: an answer of heldOutDocs has {longest} tokens, more than the "
            f"model's context of {room}; raise tokenizer.vocabularySize, model.contextLength "
            "or pretrain.sequenceLength, or remove the task",
            reason="QuestionsTooLong",
        )


def _held_out_docs(context: StageContext) -> tuple[int, list[Question]]:
    """The number of questions that the task wants, and those that the documents yield.

    A job has one such task at most, for two would have the same name.
    """
    evaluate = context.config.evaluate
    tasks = evaluate.tasks if evaluate and context.config.data else ()
    asked = next((task.held_out_docs.questions for task in tasks if task.held_out_docs), 0)
    if not asked:
        return 0, []
    groups = row_groups(context.workspace.documents / "validation")
    texts = [text for group in groups for text in group.texts()]
    return asked, make_questions(texts, asked)
