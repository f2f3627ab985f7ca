"""Experiment trackers that a training stage sends its measurements to."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from llmtrain_api.base import Name, Section, written

ServerUri = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[^\s@]+$", max_length=1024),
    written("an http or https URL without a password, such as https://mlflow.example.com"),
]


class TensorBoard(Section):
    """TensorBoard event files in the folder `tracking/tensorboard` of the workspace."""

    flush_seconds: int = Field(30, ge=1, le=3600)
    """Longest time until a value is in its file, in seconds."""


class MLflow(Section):
    """An MLflow run for each training stage and the evaluation.

    It needs `pip install llmtrain[mlflow]`.
    """

    uri: ServerUri | None = None
    """Tracking server. By default the folder `tracking/mlflow` of the workspace: nothing goes
    online. MLFLOW_TRACKING_TOKEN and its relatives are read from the trainer's environment."""
    experiment: Name | None = None
    """Experiment that the run belongs to; the job's name by default."""


class WandbMode(StrEnum):
    """Whether Weights & Biases may use the network."""

    OFFLINE = "offline"
    ONLINE = "online"


class Wandb(Section):
    """A Weights & Biases run for each training stage and the evaluation.

    It needs `pip install llmtrain[wandb]`.
    """

    project: Annotated[str, StringConstraints(min_length=1, max_length=128)] = "llmtrain"
    """Project that the run belongs to."""
    entity: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    """Team or user that the project belongs to; the owner of the API key by default."""
    mode: WandbMode = WandbMode.OFFLINE
    """`offline` writes into the folder `tracking/wandb` of the workspace, for `wandb sync`.
    `online` sends each value at once, and reads WANDB_API_KEY from the trainer's environment."""


class Tracking(Section):
    """Trackers that training stages send their measurements to, and evaluation its results.

    A retry of a stage continues the same run. A tracker that is slow, or fails, is a warning: it
    neither ends a stage nor holds it up.
    """

    tensorboard: TensorBoard | None = None
    mlflow: MLflow | None = None
    wandb: Wandb | None = None
