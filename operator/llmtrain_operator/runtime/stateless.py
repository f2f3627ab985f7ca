"""kopf keeps nothing about a job: our handlers only enqueue, and the status says where it stands.

By default kopf copies each object that it hears of several times, to see what has changed for
handlers that we do not have. With a burst of jobs that was a third of the operator's work.
"""

import kopf


class NoDiffs(kopf.DiffBaseStorage):
    """Remembers no last state, and looks for no changes."""

    def build(self, **_: object) -> kopf.BodyEssence:
        """Nothing of an object is compared."""
        return kopf.BodyEssence()

    def fetch(self, **_: object) -> kopf.BodyEssence | None:
        """Nothing was kept."""
        return None

    def store(self, **_: object) -> None:
        """Keep nothing."""


class NoProgress(kopf.ProgressStorage):
    """No handler is retried, so none has progress to remember."""

    def fetch(self, **_: object) -> None:
        """Nothing was kept."""

    def store(self, **_: object) -> None:
        """Keep nothing."""

    def purge(self, **_: object) -> None:
        """There is nothing to remove."""

    def touch(self, **_: object) -> None:
        """Keep nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """There is nothing to remove."""
        return essence
