"""Counts the parameters of a saved model, without a training library."""

import json
import math
import struct
from pathlib import Path

from llmtrain_cli.report.missing import Unavailable

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
