"""Reads the files of a workspace; a running job has not written all of them yet."""

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from llmtrain_api.faults import describe_faults
from llmtrain_api.records import StepRecord


@dataclass(frozen=True)
class Unavailable:
    """Placeholder for a missing source or section of the page."""

    reason: str
    """Message: what is missing, and which stage makes it."""


Model = TypeVar("Model", bound=BaseModel)


def read_record(path: Path, kind: type[Model], *, root: Path) -> Model | Unavailable:
    """A JSON file.

    Args:
        path: path of the file.
        kind: model of its content.
        root: the workspace; messages name the file relative to it.
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
    """The step records of a training stage, up to the first damaged or unfinished line."""
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


_LENGTH_BYTES = 8
_LARGEST_HEADER_BYTES = 100_000_000


def count_saved_parameters(folder: Path) -> int | Unavailable:
    """Elements of all tensors in a Hugging Face folder; tied weights are saved, and count, once.

    The header of a safetensors file is an unsigned 64-bit length and that many bytes of JSON
    (https://github.com/huggingface/safetensors, "Format").
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        return Unavailable(f"there are no weights in {folder.name}")
    try:
        return sum(_count(file) for file in files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        return Unavailable(f"the weights in {folder.name} cannot be read: {error}")


def _count(file: Path) -> int:
    with file.open("rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(_LENGTH_BYTES))
        if length > _LARGEST_HEADER_BYTES:
            raise ValueError(f"{file.name} has a header of {length} bytes")
        header = json.loads(opened.read(length))
    return sum(
        math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__"
    )
