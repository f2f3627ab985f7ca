"""Reads the files of a workspace, some of which a run that is going on has not written yet."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from llmtrain_api.faults import describe_faults
from llmtrain_api.step_record import StepRecord
from llmtrain_cli.report.missing import Unavailable

Model = TypeVar("Model", bound=BaseModel)


def read_record(path: Path, kind: type[Model], *, root: Path) -> Model | Unavailable:
    """A JSON file.

    Args:
        path: of the file.
        kind: what it holds.
        root: the workspace, from where its name is told.
    """
    name = path.relative_to(root)
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Unavailable(f"{name} is not in the workspace")
    except OSError as error:
        return Unavailable(f"{name} cannot be read: {error.strerror}")
    except ValidationError as error:
        return Unavailable(f"{name} cannot be understood: {describe_faults(error)[0]}")


def read_steps(path: Path, *, root: Path) -> tuple[StepRecord, ...] | Unavailable:
    """The records of a training stage, up to the first line that is damaged or unfinished."""
    records: list[StepRecord] = []
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            records.extend(map(StepRecord.model_validate_json, lines))
    except FileNotFoundError:
        return Unavailable(f"{path.relative_to(root)} is not in the workspace")
    except OSError as error:
        return Unavailable(f"{path.relative_to(root)} cannot be read: {error.strerror}")
    except ValidationError:
        if not records:
            return Unavailable(f"{path.relative_to(root)} cannot be understood from line 1 on")
    return tuple(records)
