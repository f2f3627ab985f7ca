"""One training stage, as its ranks see it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel

from llmtrain_api.batch import BatchLayout
from llmtrain_api.families.base import Architecture
from llmtrain_api.spec.model import Initialization
from llmtrain_api.spec.pretrain import EarlyStopping
from llmtrain_api.spec.training import Training
from llmtrain_api.stages import Stage
from llmtrain_trainer.training.mixture import Mixture
from llmtrain_trainer.training.samples import Order, SampleOrder, Samples


@dataclass(frozen=True)
class LoopSettings:
    """Settings of the training loop."""

    seed: int
    total_steps: int
    training: Training
    """The stage's section: sequence length, optimizer, precision, ZeRO, checkpoints."""
    batch: BatchLayout
    mean_seconds_between_failures: float
    """Expected time between two failures of any of the stage's machines."""
    label_smoothing: float = 0.0
    validate_every_steps: int | None = None
    """Steps between validations; None validates at the end alone."""
    early_stopping: EarlyStopping | None = None


@dataclass(frozen=True)
class TrainingTask:
    """A training task: the model, its samples, and the place of the result."""

    stage: Stage
    attempt: int
    settings: LoopSettings
    build_model: Callable[[], PreTrainedModel]
    """Makes the model; the engine calls it where ZeRO-3 can shard it as it is made."""
    new_weights: bool
    """Whether the model's weights are still to be initialized."""
    samples: Samples
    validation: Samples
    validation_bytes_per_label: float | None
    """UTF-8 bytes of text for each held-out label; None where bits per byte say nothing."""
    fingerprint: str
    """Fingerprint of all that the training state depends on."""
    checkpoints: Path
    metrics: Path
    save_model: Callable[[dict[str, object]], None]
    """Writes the finished model; called on rank 0 with the full weights by name."""
    architecture: Architecture | None
    """Shape of the model; None where the planner does not know its family."""
    dropout: bool
    """Whether the model may have any."""
    initialization: Initialization | None = None
    """How new weights are drawn; None for the family's own way."""
    flops_per_token: int | None = None
    """Forward and backward, for the model FLOPs utilization."""
    mixture: Mixture | None = None
    """The order of the samples where sources are mixed by weights."""

    @property
    def order(self) -> Order:
        """The order of the samples; without a mixture they are shuffled as one."""
        if self.mixture is not None:
            return self.mixture
        return SampleOrder(len(self.samples), self.settings.seed)
