"""Who can be told about progress."""

from typing import Protocol, Unpack

from llmtrain_api.training_metrics import TrainingMetrics
from llmtrain_trainer.progress.changes import StageChanges


class Reporter(Protocol):
    """Takes news of a stage; never makes it wait."""

    def update(self, **changes: Unpack[StageChanges]) -> None:
        """Tell what is new; fields that are not named stay as they are."""
        ...

    def log(self, measured: TrainingMetrics) -> None:
        """Take measurements; fields that were not set stay as they are."""
        ...


class NullReporter:
    """Says nothing: for the ranks that rank 0 speaks for."""

    def update(self, **changes: Unpack[StageChanges]) -> None:
        """Do nothing."""

    def log(self, measured: TrainingMetrics) -> None:
        """Do nothing."""
