"""Restricts DeepSpeed's files to tensors, plain values and three classes, never code.

They are pickles, and DeepSpeed reads them with `weights_only=False`. PyTorch's own switch overrules
that for every `torch.load` of the process. Run as a program, this file is DeepSpeed's converter to
universal checkpoints under the same rule.
"""

import os
import pickle
import re
import sys
from enum import Enum
from pathlib import Path

import torch
from deepspeed.checkpoint import ds_to_universal
from deepspeed.runtime.fp16.loss_scaler import LossScaler
from deepspeed.runtime.zero.config import ZeroStageEnum
from deepspeed.utils.tensor_fragment import fragment_address

from llmtrain_trainer.errors import UserError


def _zero_stage(owner: object, name: str) -> Enum:
    """Stands in for `getattr`, as which Python 3.11.0 to 3.11.3 pickle a member of an enumeration.

    Raises:
        UnpicklingError: something else than a stage of ZeRO is asked for.
    """
    stages: type[Enum] = ZeroStageEnum
    if owner is not stages or name not in stages.__members__:
        raise pickle.UnpicklingError(f"GLOBAL getattr of {owner}, {name!r}")
    return stages[name]


os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
torch.serialization.add_safe_globals(
    [LossScaler, ZeroStageEnum, fragment_address, (_zero_stage, "builtins.getattr")]
)

_REFUSED_NAME = re.compile(r"GLOBAL ([\w.]+)")


def unsafe_checkpoint(error: pickle.UnpicklingError, folder: Path) -> UserError:
    """The error for a checkpoint that holds more than weights.

    Args:
        error: PyTorch's refusal.
        folder: the checkpoint.
    """
    name = _REFUSED_NAME.search(str(error))
    what = f"{name[1]} in a file of it" if name else "a file of it"
    return UserError(
        f"the checkpoint {folder} is not loaded: {what} is no part of a checkpoint, and loading it "
        "could run code; delete the folder, and training goes on from the checkpoint before it",
        reason="UnsafeCheckpoint",
    )


def _convert() -> None:
    arguments = ds_to_universal.parse_arguments()
    try:
        ds_to_universal.main(arguments)
    except pickle.UnpicklingError as error:
        refusal = unsafe_checkpoint(error, Path(arguments.input_folder).parent)
        sys.stderr.write(f"{refusal.message}\n")
        sys.exit(refusal.exit_code)


if __name__ == "__main__":
    _convert()
