"""The tokenizer stage: learns or loads the tokenizer, then writes the documents as tokens."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_api.spec.tokenizer import Tokenizer
from llmtrain_trainer.completion import fingerprint, made_from, mark_complete
from llmtrain_trainer.data.documents import row_groups
from llmtrain_trainer.data.later import require_room_for_questions
from llmtrain_trainer.durable import replaced_folder
from llmtrain_trainer.errors import Interrupted, UserError
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokenizer.learn import learn
from llmtrain_trainer.tokenizer.pretrained import load_pretrained
from llmtrain_trainer.tokenizer.write import tokenizer_sha256, write_token_files

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_PERCENT_LEARNED = 50


def run(context: StageContext) -> None:
    """Make the tokenizer and the token files, unless they are there already.

    A job without documents gets the tokenizer alone.

    Raises:
        UserError: the tokenizer cannot be loaded, or not be learned from the documents, or makes
            more tokens of a task's answers than the model can read.
        Interrupted: told to stop; nothing half-done is left behind.
    """
    section = context.config.tokenizer
    if section is None:
        raise UserError("the tokenizer stage needs the section tokenizer in the manifest")
    _require_documents(context)
    workspace = context.workspace
    if made_from(workspace.tokens) != _fingerprint(section, context):
        with replaced_folder(workspace.tokenizer) as folder:
            _obtain(section, context).save_pretrained(folder)
        if context.config.data is not None:
            with replaced_folder(workspace.tokens) as folder:
                write_token_files(folder, context, from_percent=_PERCENT_LEARNED)
                mark_complete(folder, _fingerprint(section, context))
    require_room_for_questions(context)
    context.progress.update(percent=100, activity="tokens are ready")


def _require_documents(context: StageContext) -> None:
    documents = context.workspace.documents
    if context.config.data is not None and made_from(documents) is None:
        raise UserError(f"{documents}: no documents; run the data stage first")


def _fingerprint(section: Tokenizer, context: StageContext) -> str:
    """What the token files are made from; the tokenizer that lies in the workspace included."""
    return fingerprint(
        [
            section.model_dump_json(),
            made_from(context.workspace.documents) or "",
            tokenizer_sha256(context.input_path(section.pretrained)) if section.pretrained else "",
            tokenizer_sha256(context.workspace.tokenizer),
        ]
    )


def _obtain(section: Tokenizer, context: StageContext) -> "PreTrainedTokenizerFast":
    if section.vocabulary_size is None:
        context.progress.update(percent=0, activity="loading the tokenizer")
        return load_pretrained(str(section.pretrained), inputs=Path(context.config.inputs))
    return learn(section.algorithm, section.vocabulary_size, lambda: _train_texts(context))


def _train_texts(context: StageContext) -> Iterator[list[str]]:
    """The documents to learn from, with a sign of life for each part."""
    groups = row_groups(context.workspace.documents / "train")
    for number, group in enumerate(groups, start=1):
        if context.stop.is_set():
            raise Interrupted("stopped while learning the tokenizer; it will be learned anew")
        context.progress.update(
            percent=_PERCENT_LEARNED * number / (len(groups) + 1),
            activity=f"learning the tokenizer (part {number} of {len(groups)})",
        )
        yield group.texts()
