"""The source `huggingFace`: a chat data set of the hub, or a local folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_api.spec.finetune import ChatHuggingFace
from llmtrain_trainer.data.hub import load_dataset
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.finetune.conversation import Conversation, parse_row
from llmtrain_trainer.stage import StageContext

if TYPE_CHECKING:
    from datasets import Dataset


class HuggingFaceSource:
    """The rows of a data set.

    Args:
        dataset: with the column of messages.
        messages_field: that column.
        name: of the data set, for error messages.
    """

    def __init__(self, dataset: "Dataset", messages_field: str, name: str) -> None:
        self._dataset = dataset
        self._messages_field = messages_field
        self._name = name

    @property
    def identity(self) -> str:
        """What `datasets` itself knows its caches by."""
        return f"{self._name} {self._messages_field} {self._dataset._fingerprint}"  # noqa: SLF001

    def conversations(self) -> Iterator[Conversation]:
        """A conversation for each row."""
        for number, row in enumerate(self._dataset):
            yield parse_row(row, self._messages_field, f"{self._name}: row {number}")


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
    if section.messages_field not in dataset.column_names:
        raise UserError(
            f"{name}: no column {section.messages_field!r}; the columns are: "
            f"{', '.join(dataset.column_names)}; set messagesField to one of them",
            reason="InvalidData",
        )
    messages = dataset.select_columns([section.messages_field])
    return HuggingFaceSource(messages, section.messages_field, name)
