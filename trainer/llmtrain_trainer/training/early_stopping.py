"""Ends training when validation no longer improves."""

from dataclasses import dataclass

from llmtrain_api.spec.pretrain import EarlyStopping


@dataclass(frozen=True)
class StoppingState:
    """What early stopping remembers; it travels in the checkpoint."""

    best: float = float("inf")
    """Lowest validation loss so far, in nats per token."""
    failures: int = 0
    """Validations in a row that did not improve on it."""

    def after(self, validation_loss: float, rule: EarlyStopping) -> "StoppingState":
        """The state after one more validation."""
        if validation_loss < self.best - rule.min_delta:
            return StoppingState(best=validation_loss)
        return StoppingState(best=self.best, failures=self.failures + 1)

    def exhausted(self, rule: EarlyStopping) -> bool:
        """Whether patience has run out."""
        return self.failures >= rule.patience
