"""Sends an exported model to the place that `export.to` names: object storage, or the hub."""

from collections.abc import Iterable
from pathlib import Path

from llmtrain_trainer.checkpoint.manifest import file_names
from llmtrain_trainer.errors import Interrupted, UserError
from llmtrain_trainer.export import hub
from llmtrain_trainer.files import sha256
from llmtrain_trainer.object_storage.retries import Patience
from llmtrain_trainer.object_storage.store import ObjectStore
from llmtrain_trainer.stage import StageContext

FIELD = "export.to"
_OWNER = ".llmtrain-export"
"""Marks a prefix whose other objects may be replaced by an export."""
_SUMS = "SHA256SUMS"
"""Written last; `sha256sum --check` reads it."""


def check_access(context: StageContext) -> None:
    """Find out whether the model can be sent, before it is made.

    Raises:
        UserError: the place is missing, closed, or holds something else.
        StoreError: it could not be reached.
        Interrupted: a stop was requested.
    """
    url = _url(context)
    if url is None:
        return
    context.progress.update(activity=f"looking into {url}")
    patience = Patience(stop=context.stop)
    if hub.is_hub(url):
        hub.check(url, field_name=FIELD, patience=patience)
        return
    store = ObjectStore.open(url, field_name=FIELD, patience=patience)
    _require_ours(store)
    store.check()


def send(context: StageContext) -> None:
    """Send the exported model, if the manifest names a place.

    An export that was there before is replaced; objects that are no part of this one are deleted.

    Raises:
        UserError: the place is missing, closed, or holds something else.
        StoreError: it could not be reached.
        Interrupted: a stop was requested.
    """
    url = _url(context)
    if url is None:
        return
    folder = context.workspace.export
    patience = Patience(stop=context.stop)
    context.progress.update(activity=f"sending the model to {url}")
    if hub.is_hub(url):
        hub.send(folder, url, field_name=FIELD, patience=patience)
        return
    store = ObjectStore.open(url, field_name=FIELD, patience=patience)
    names = file_names(folder)
    older = _require_ours(store)
    store.put(_OWNER, context.config.job_name.encode())
    store.delete(_SUMS)
    for number, name in enumerate(names, start=1):
        if context.stop.is_set():
            raise Interrupted(f"stopped while the model was sent to {url}")
        context.progress.update(
            activity=f"sending the model to {url} (file {number} of {len(names)})"
        )
        store.put_file(name, folder / name)
    for name in older - {*names, _OWNER, _SUMS}:  # weights of another split would be loaded
        store.delete(name)
    store.put(_SUMS, _sums(folder, names))


def _url(context: StageContext) -> str | None:
    section = context.config.export
    return None if section is None else section.to


def _require_ours(store: ObjectStore) -> set[str]:
    """The names of the objects that are there.

    Raises:
        UserError: they are no export of ours.
    """
    names = {name for name in store.sizes("") if not name.endswith("/")}
    if names and _OWNER not in names:
        raise UserError(
            f"{store.field_name} {store.url} holds objects that are no export of llmtrain "
            f"({min(names)}); name an empty prefix",
            reason="ExportTaken",
        )
    return names


def _sums(folder: Path, names: Iterable[str]) -> bytes:
    return "".join(f"{sha256(folder / name)}  {name}\n" for name in names).encode()
