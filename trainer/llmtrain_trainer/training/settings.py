"""What the loop is told: pretraining and fine-tuning differ in their data, not in their loop."""

from dataclasses import dataclass

from llmtrain_api.batch import BatchLayout
from llmtrain_api.spec.pretrain import EarlyStopping
from llmtrain_api.spec.training import Checkpoint, Optimizer, Precision, Zero


@dataclass(frozen=True)
class LoopSettings:
    """How to train, whatever is trained on."""

    seed: int
    total_steps: int
    sequence_length: int
    batch: BatchLayout
    optimizer: Optimizer
    precision: Precision
    zero: Zero
    checkpoint: Checkpoint
    activation_checkpointing: bool = False
    compile: bool = False
    label_smoothing: float = 0.0
    validate_every_steps: int | None = None
    """Steps between validations; None validates at the end alone."""
    early_stopping: EarlyStopping | None = None
