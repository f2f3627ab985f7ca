"""The mirror of a stage, as its driver uses it: restore first, copy beside, and finish."""

from collections.abc import Iterator
from contextlib import contextmanager

from llmtrain_trainer.errors import GateError
from llmtrain_trainer.mirror.beside import MirrorThread
from llmtrain_trainer.mirror.restore import restore
from llmtrain_trainer.mirror.upload import Uploader
from llmtrain_trainer.mirror.writer import Writer
from llmtrain_trainer.object_storage.retries import Patience
from llmtrain_trainer.object_storage.store import ObjectStore
from llmtrain_trainer.stage import StageContext

_FIELD = "workspace.mirror"


@contextmanager
def mirrored(context: StageContext) -> Iterator[None]:
    """Context of a stage's work in a workspace with a mirror; nothing where it has none.

    Args:
        context: context of the attempt.

    Raises:
        UserError: the mirror cannot be used.
        StoreError: the mirror could not be reached.
        StageError: another attempt has taken over.
        Interrupted: a stop was requested.
    """
    config = context.config
    if config.mirror is None:
        yield
        return
    context.progress.update(activity=f"looking into {config.mirror}")
    store = ObjectStore.open(config.mirror, field_name=_FIELD, patience=Patience(stop=context.stop))
    writer = Writer(store, config)
    writer.claim()
    restore(store, context)
    with MirrorThread(Uploader(store, writer, context.workspace), context) as thread:
        try:
            yield
        except GateError:  # the report says what was measured
            thread.finish()
            raise
        thread.finish()
