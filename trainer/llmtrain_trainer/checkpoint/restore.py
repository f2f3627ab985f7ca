"""Finds the newest checkpoint that is whole."""

import logging
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from llmtrain_trainer.checkpoint.group import Group
from llmtrain_trainer.checkpoint.layout import COMMITTED, checkpoint_steps, step_folder
from llmtrain_trainer.checkpoint.manifest import Manifest, find_damage, read_manifest
from llmtrain_trainer.errors import UserError

_log = logging.getLogger(__name__)
_STEPS = TypeAdapter(list[int])
_DAMAGE: TypeAdapter[str | None] = TypeAdapter(str | None)


@dataclass(frozen=True)
class Restorable:
    """A committed checkpoint whose every file is as it was written."""

    folder: Path
    manifest: Manifest

    @property
    def committed_time(self) -> float:
        """Unix time, in seconds, at which it was committed."""
        return (self.folder / COMMITTED).stat().st_mtime


def find_restorable(root: Path, fingerprint: str, group: Group) -> Restorable | None:
    """The newest checkpoint that verifies; None where there is none. Collective.

    A damaged one is passed over with a warning that says what was wrong. The ranks share the work
    of hashing.

    Args:
        root: the stage's checkpoint folder.
        fingerprint: of the settings that the state depends on.
        group: the ranks.

    Raises:
        UserError: the checkpoint belongs to other settings.
    """
    for step in group.gather(checkpoint_steps(root), _STEPS)[0]:
        folder = step_folder(root, step)
        try:
            manifest = read_manifest(folder)
        except ValueError as error:
            _pass_over(folder, str(error), group)
            continue
        names = sorted(manifest.files)[group.rank :: group.size]
        damage = find_damage(folder, {name: manifest.files[name] for name in names})
        if found := [each for each in group.gather(damage, _DAMAGE) if each]:
            _pass_over(folder, found[0], group)
            continue
        if manifest.fingerprint != fingerprint:
            raise UserError(
                f"{folder} was written with other settings (model, data, batch or optimizer); "
                "use another workspace, or the manifest that it was written with"
            )
        return Restorable(folder, manifest)
    return None


def _pass_over(folder: Path, why: str, group: Group) -> None:
    if group.rank == 0:
        _log.warning("checkpoint %s is not used: %s; trying the one before", folder.name, why)
