"""Who can be told about progress."""

from typing import Protocol, Unpack

from llmtrain_trainer.progress.tracker import ProgressChanges


class Reporter(Protocol):
    """Takes news of a stage; never makes it wait."""

    def update(self, **changes: Unpack[ProgressChanges]) -> None:
        """Tell what is new; fields that are not named stay as they are."""
        ...


class Silent:
    """Says nothing: for the ranks that rank 0 speaks for."""

    def update(self, **changes: Unpack[ProgressChanges]) -> None:
        """Do nothing."""
