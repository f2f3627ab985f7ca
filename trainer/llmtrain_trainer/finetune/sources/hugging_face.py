"""The source `huggingFace`: a chat data set of the hub, or a local folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_api.spec.finetune import ChatHuggingFace
from llmtrain_trainer.conversations.conversation import Conversation
from llmtrain_trainer.data.readers.hub import load_dataset
from llmtrain_trainer.data.readers.rows import BadRows, column_of
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.finetune.rows import DEFAULT_FIELD, FIELDS, parse_row
from llmtrain_trainer.stage import StageContext

if TYPE_CHECKING:
    from datasets import Dataset


class HuggingFaceSource:
    """The rows of a data set.

    Args:
        dataset: with the columns of a conversation.
        messages_field: the field that holds the messages.
        name: name of the data set, for error messages.
        max_bad_rows: rows that may be skipped.
    """

    def __init__(
        self, dataset: "Dataset", messages_field: str, name: str, max_bad_rows: int
    ) -> None:
        self.max_bad_rows = max_bad_rows
        self._dataset = dataset
        self._messages_field = messages_field
        self._name = name

    @property
    def identity(self) -> str:
        """The fingerprint of `datasets`, which identifies its caches."""
        return f"{self._name} {self._messages_field} {self._dataset._fingerprint}"  # noqa: SLF001

    def conversations(self, bad_rows: BadRows) -> Iterator[Conversation]:
        """A conversation for each row."""
        rows = ((f"{self._name}: row {number}", row) for number, row in enumerate(self._dataset))
        return bad_rows.usable(rows, lambda row, place: parse_row(row, self._messages_field, place))


def hugging_face_source(section: ChatHuggingFace, context: StageContext) -> HuggingFaceSource:
    """The source of this section.

    Raises:
        UserError: the data set cannot be found or loaded, or lacks the column of messages.
    """
    dataset = load_dataset(
        section.path,
        section.subset,
        section.split,
        inputs=Path(context.config.inputs),
        cache=context.workspace.hugging_face_cache,
    )
    name = f"huggingFace {section.path}"
    columns = _columns(dataset.column_names, section.messages_field)
    if not columns:
        raise UserError(
            f"{name}: no column {section.messages_field!r}; the columns are: "
            f"{', '.join(dataset.column_names)}; set messagesField to one of them",
            reason="InvalidData",
        )
    chosen = dataset.select_columns(columns)
    return HuggingFaceSource(chosen, section.messages_field, name, section.max_bad_rows)


def _columns(names: Sequence[str], field: str) -> list[str]:
    """The columns that a conversation is read from; none where they hold no conversation."""
    column = column_of(names, field)
    if column is not None:
        return [column, *(name for name in ("system", "tools") if name in names)]
    known = [name for name in names if name in FIELDS]
    return (
        known if field == DEFAULT_FIELD and len(known) > len({"tools", "system"} & {*known}) else []
    )
