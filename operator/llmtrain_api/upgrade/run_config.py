"""Reads and writes run configs of 0.1 and of this version."""

from typing import Any

from llmtrain_api.run_config import RunConfig
from llmtrain_api.upgrade.spec import TrainerTooOldError, downgraded_sections, upgraded_spec
from llmtrain_api.versions import MINOR, PREVIOUS

Json = dict[str, Any]

_OLD_NAME = "v1"
"""The name that 0.1 gave to its run configs, before they were named by version."""
_NEW_FIELDS = ("mirror", "tracking")
_NEW_FIELDS_OF_WORKERS = ("machines", "spot")
_NEW_AIDS = ("afterOutOfMemory", "leastBandwidthRatio", "claim")
"""Fields that only help with what 0.1 does not do: a search, a check of links, a service."""


class OtherVersionError(ValueError):
    """A run config is of a version that is not understood; the message names both."""


def upgraded_run_config(config: Any) -> Any:  # noqa: ANN401 - any JSON value may be given
    """A run config as this version writes it.

    Args:
        config: what a file holds; anything but an object is left for the models to refuse.

    Raises:
        OtherVersionError: it is neither of this minor version nor of the one before.
    """
    version = config.get("version") if isinstance(config, dict) else MINOR
    if version == MINOR:
        return config
    if version != _OLD_NAME:
        raise OtherVersionError(
            f"it is of llmtrain {version}, and this trainer, of {MINOR}, understands {MINOR} and "
            f"{PREVIOUS}; the trainer image should be of the operator's version"
        )
    sections = {key: value for key, value in config.items() if key != "dataCpus"}
    return upgraded_spec(sections) | {"version": MINOR}


def run_config_for(config: RunConfig, version: str | None) -> Json:
    """A run config as a trainer of a version reads it.

    Args:
        config: the run config.
        version: minor version of the trainer, as `status.cluster.trainerVersion` has it. One that
            is newer than this reads what this one writes.

    Raises:
        TrainerTooOldError: the trainer, of the version before, does not know all of it.
    """
    written = config.model_dump(mode="json")
    if version not in {PREVIOUS, None}:
        return written
    for field in _NEW_FIELDS:
        if written.pop(field):
            raise TrainerTooOldError(field)
    for field in _NEW_AIDS:
        del written[field]
    for field in _NEW_FIELDS_OF_WORKERS:
        del written["workers"][field]
    # Nothing in 0.1 reads its dataCpus, which has to be there.
    return downgraded_sections(written) | {"version": _OLD_NAME, "dataCpus": 1}
