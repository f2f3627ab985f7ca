"""Brings what a mirror holds, and a workspace lacks, back into the workspace.

All is fetched and verified aside, then renamed into place; a checkpoint's folder comes last. A kill
at any time leaves the workspace without it, and the next attempt begins anew.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

from llmtrain_api.stages import INITIAL, Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.checkpoint.manifest import (
    checkpoint_steps,
    read_manifest,
    step_folder,
    trash_folder,
)
from llmtrain_trainer.files import sync
from llmtrain_trainer.mirror.commits import CommitLog, checkpoint_log, initial_log, result_log
from llmtrain_trainer.mirror.download import Source
from llmtrain_trainer.object_storage.store import ObjectStore
from llmtrain_trainer.stage import StageContext

_log = logging.getLogger(__name__)


def restore(store: ObjectStore, context: StageContext) -> None:
    """Bring back the fetched model, results of the stages so far, and this one's checkpoint.

    What the workspace has is left as it is, but for a checkpoint that the mirror has a newer one
    of. Commits that are damaged are passed over with a warning.

    Raises:
        UserError: the mirror cannot be used.
        StoreError: the mirror could not be reached.
        Interrupted: a stop was requested.
    """
    workspace, stage = context.workspace, context.config.stage
    source = Source(store, context)
    if context.config.model is not None and context.config.model.init_from is not None:
        model = workspace.model(INITIAL)
        _bring(source, workspace, initial_log(store), (model,), what="the model of the hub")
    for earlier in context.config.stages:
        results, what = workspace.results_of(earlier), f"results of the stage {earlier}"
        _bring(source, workspace, result_log(store, earlier), results, what=what)
        if earlier is stage:
            break
    if stage.optimizes:
        _restore_checkpoint(source, workspace, stage, context.config.attempt)


def _bring(
    source: Source, workspace: Workspace, log: CommitLog, paths: Iterable[Path], *, what: str
) -> None:
    """Bring back those of these files and folders that are missing."""
    missing = [path for path in paths if not path.exists()]
    if not missing:
        return
    for number, commit in log.intact():
        try:
            with source.fetched(commit, [_name(path, workspace) for path in missing]) as staged:
                _put_in_place(staged, workspace.root, missing)
        except ValueError as error:
            log.pass_over(number, str(error))
            continue
        _log.info("%s: brought from %s", what, source.store.url)
        return


def _restore_checkpoint(source: Source, workspace: Workspace, stage: Stage, attempt: int) -> None:
    root = workspace.checkpoints(stage)
    log, newest = checkpoint_log(source.store, stage), _newest_whole(root)
    for step, commit in log.intact():
        if newest is not None and newest >= step:
            return
        folder, records = step_folder(root, step), workspace.training_records(stage)
        wanted = [_name(path, workspace) for path in (folder, *records)]
        try:
            with source.fetched(commit, wanted) as staged:
                if folder.exists():
                    folder.rename(trash_folder(root, step, attempt))
                _put_in_place(staged, workspace.root, [*records, folder])
        except ValueError as error:
            log.pass_over(step, str(error))
            continue
        _log.info("the checkpoint of step %d was brought from %s", step, source.store.url)
        return


def _newest_whole(root: Path) -> int | None:
    """The newest committed checkpoint whose files have their sizes; ranks verify the content."""
    for step in checkpoint_steps(root):
        folder = step_folder(root, step)
        try:
            files = read_manifest(folder).files
            if all((folder / name).stat().st_size == file.size for name, file in files.items()):
                return step
        except (ValueError, FileNotFoundError) as error:
            _log.warning("checkpoint %s is not used: %s", folder.name, error)
    return None


def _put_in_place(staged: Path, root: Path, paths: Iterable[Path]) -> None:
    """Rename what was fetched, in this order."""
    for path in paths:
        fetched = staged / path.relative_to(root)
        if fetched.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fetched.rename(path)
            sync(path.parent)


def _name(path: Path, workspace: Workspace) -> str:
    return path.relative_to(workspace.root).as_posix()
