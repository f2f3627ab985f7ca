"""A line of JSON for each optimizer step, as it will stand in the record of the run."""

import json
import os
from pathlib import Path
from typing import Self

from llmtrain_api.step_record import STEP_LOG_FIELDS, StepRecord
from llmtrain_trainer.own_files import create_text


class StepLog:
    """Appends records, from one rank; steps that a restart does again are dropped first.

    Args:
        path: the file.
        resumed_step: the step that training goes on from.
    """

    def __init__(self, path: Path, resumed_step: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [line for line in _lines(path) if json.loads(line)["step"] <= resumed_step]
        self._file = create_text(path)
        self._file.writelines(kept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, record: StepRecord) -> None:
        """Add a record; it is durable after the next `sync`."""
        line = record.model_dump_json(exclude_none=True, include=set(STEP_LOG_FIELDS))
        self._file.write(line + "\n")
        self._file.flush()

    def sync(self) -> None:
        """Make all records durable, before the checkpoint that they lead to."""
        os.fsync(self._file.fileno())


def _lines(path: Path) -> list[str]:
    """The whole lines of a file; a last one that was cut off is left out."""
    if not path.is_file():
        return []
    return [line for line in path.open(encoding="utf-8") if line.endswith("\n")]
