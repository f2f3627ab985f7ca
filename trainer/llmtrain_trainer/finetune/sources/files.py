"""The source `files`: JSON lines, each with a list of messages."""

from collections.abc import Iterator, Sequence

from llmtrain_api.spec.finetune import ChatFiles
from llmtrain_trainer.conversations.conversation import Conversation
from llmtrain_trainer.data.readers.inputs import InputFile, input_files
from llmtrain_trainer.data.readers.reading import filled_lines, json_object
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.finetune.rows import parse_row
from llmtrain_trainer.stage import StageContext

_FIELD = "finetune.data.sources files.paths"


class FilesSource:
    """The lines of files.

    Args:
        files: JSON lines, plain or compressed.
        messages_field: the field that holds the messages.
        max_bad_rows: rows of all files that may be skipped.
    """

    def __init__(self, files: Sequence[InputFile], messages_field: str, max_bad_rows: int) -> None:
        self._files = files
        self._messages_field = messages_field
        self.max_bad_rows = max_bad_rows

    @property
    def identity(self) -> str:
        """The files' names, sizes and times."""
        return "\n".join([self._messages_field, *(file.identity for file in self._files)])

    def conversations(self, bad_rows: BadRows) -> Iterator[Conversation]:
        """A conversation for each line."""
        for file in self._files:
            try:
                yield from bad_rows.usable(filled_lines(file.path), self._parse)
            except UserError:
                file.require_unchanged()  # which would be the reason
                raise
            file.require_unchanged()

    def _parse(self, line: bytes, place: str) -> Conversation:
        return parse_row(json_object(line, place), self._messages_field, place)


def files_source(section: ChatFiles, context: StageContext) -> FilesSource:
    """The source of this section.

    Raises:
        UserError: a path names no file.
    """
    files = input_files(section.paths, _FIELD, context)
    return FilesSource(files, section.messages_field, section.max_bad_rows)
