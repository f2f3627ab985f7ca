"""The right to commit to a mirror: the newest attempt that took it has it."""

import logging

from pydantic import ValidationError

from llmtrain_api.base import Record
from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Stage
from llmtrain_trainer.errors import StageError, UserError
from llmtrain_trainer.object_storage.store import ObjectStore

_log = logging.getLogger(__name__)
_NAME = "WRITER"


class Attempt(Record):
    """An attempt of a stage."""

    job_name: str
    job_uid: str
    stage: Stage
    attempt: int


class Writer:
    """One attempt's right to commit.

    Args:
        store: the mirror.
        config: run config of the attempt.
    """

    def __init__(self, store: ObjectStore, config: RunConfig) -> None:
        self._store = store
        self._attempt = Attempt(
            job_name=config.job_name,
            job_uid=config.job_uid,
            stage=config.stage,
            attempt=config.attempt,
        )

    def claim(self) -> None:
        """Take over from earlier attempts, and find out whether the mirror can be used at all.

        Raises:
            UserError: it cannot, or it holds another job's results.
            StoreError: it could not be reached.
        """
        holder = self._holder()
        if holder is not None and holder.job_name != self._attempt.job_name:
            raise UserError(
                f"{self._store.field_name} {self._store.url} holds the results of the job "
                f"{holder.job_name}; name another prefix for the job {self._attempt.job_name}",
                reason="MirrorTaken",
            )
        self._store.put(_NAME, self._attempt.model_dump_json().encode())
        self.require()
        self._store.check()

    def require(self) -> None:
        """Make sure that no other attempt has taken over.

        Raises:
            StageError: one has.
        """
        holder = self._holder()
        if holder != self._attempt:
            raise StageError(
                f"another attempt has taken over {self._store.url}: {holder or 'unknown'}; "
                "this one commits nothing there any more",
                reason="Superseded",
            )

    def _holder(self) -> Attempt | None:
        content = self._store.get(_NAME)
        try:
            return None if content is None else Attempt.model_validate_json(content)
        except ValidationError as error:
            _log.warning("%s/%s is torn: %s", self._store.url, _NAME, error)
            return None
