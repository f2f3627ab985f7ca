"""The source `files`: JSON lines, each with a list of messages."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from llmtrain_api.spec.finetune import ChatFiles
from llmtrain_trainer.conversations.conversation import Conversation
from llmtrain_trainer.data.reading import filled_lines, find_files, json_object
from llmtrain_trainer.data.rows import BadRows
from llmtrain_trainer.finetune.rows import parse_row
from llmtrain_trainer.stage import StageContext


class FilesSource:
    """The lines of files.

    Args:
        paths: JSON lines, plain or compressed.
        messages_field: the field that holds the messages.
        max_bad_rows: rows of all files that may be skipped.
    """

    def __init__(self, paths: Sequence[Path], messages_field: str, max_bad_rows: int) -> None:
        self._paths = paths
        self._messages_field = messages_field
        self.max_bad_rows = max_bad_rows

    @property
    def identity(self) -> str:
        """The files' names, sizes and times."""
        states = ((path, path.stat()) for path in self._paths)
        files = [f"{path} {state.st_size} {state.st_mtime_ns}" for path, state in states]
        return "\n".join([self._messages_field, *files])

    def conversations(self, bad_rows: BadRows) -> Iterator[Conversation]:
        """A conversation for each line."""
        for path in self._paths:
            yield from bad_rows.usable(filled_lines(path), self._parse)

    def _parse(self, line: bytes, place: str) -> Conversation:
        return parse_row(json_object(line, place), self._messages_field, place)


def files_source(section: ChatFiles, context: StageContext) -> FilesSource:
    """The source of this section.

    Raises:
        UserError: a path names no file.
    """
    paths = find_files(section.paths, Path(context.config.inputs))
    return FilesSource(paths, section.messages_field, section.max_bad_rows)
