"""The trackers that a manifest asks for."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel

from llmtrain_api.records import StepRecord
from llmtrain_api.run_config import RunConfig
from llmtrain_api.training_metrics import TrainingMetrics, metric_fields
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.progress.reporter import Reporter
from llmtrain_trainer.tracking.background import BackgroundTracker
from llmtrain_trainer.tracking.run import Point, TrackedRun, Tracker

_PACKAGES = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}
"""Package of each tracker, by its field in the manifest, which is also its module's name."""


def require_packages(config: RunConfig) -> None:
    """Check that the trackers of a manifest are installed, before anything is trained.

    Raises:
        UserError: one is missing.
    """
    for name in _asked_for(config):
        if find_spec(_PACKAGES[name]) is None:
            raise UserError(
                f"tracking.{name}: the package {_PACKAGES[name]} is not installed where the stage "
                f"runs; add it with `pip install llmtrain[{name}]`, or remove tracking.{name}"
            )


@contextmanager
def open_trackers(
    config: RunConfig, progress: Reporter, resumed_step: int
) -> Iterator[tuple[BackgroundTracker, ...]]:
    """The trackers of a stage, fed while the context is open.

    Args:
        config: run config of the attempt.
        progress: takes warnings about trackers.
        resumed_step: optimizer step that training resumes from.
    """
    run = TrackedRun(
        id=f"{config.job_uid}-{config.stage}",
        job=config.job_name,
        stage=config.stage.value,
        attempt=config.attempt,
        folder=Workspace(Path(config.workspace)).tracking,
        resumed_step=resumed_step,
        parameters=_parameters(config),
    )
    with ExitStack() as stack:
        yield tuple(
            stack.enter_context(
                BackgroundTracker(name, partial(_connect, name, section, run), progress)
            )
            for name, section in _asked_for(config).items()
        )


def point_of(record: StepRecord) -> Point:
    """All that was measured at a step."""
    values = dict(record.scalars or {})
    for each in metric_fields(TrainingMetrics):
        value = each.value_in(record)
        if value is not None and each.field != "step":
            values[each.field] = value
    return Point(record.step, time.time(), values)


def _asked_for(config: RunConfig) -> dict[str, BaseModel]:
    """The sections of the trackers that are on, by the name of their field."""
    sections = dict(config.tracking) if config.tracking else {}
    return {name: section for name, section in sections.items() if section is not None}


def _connect(name: str, section: BaseModel, run: TrackedRun) -> Tracker:
    module = import_module(f"llmtrain_trainer.tracking.{name}")
    tracker: Tracker = module.connect(section, run)
    return tracker


def _parameters(config: RunConfig) -> dict[str, str]:
    """The settings that decide what is learned, one by one."""
    sections = {"seed", "model", config.stage.value}
    settings = config.model_dump(mode="json", include=sections, exclude_none=True)
    return dict(_flat(settings, ""))


def _flat(settings: Mapping[str, object], path: str) -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", str(value)
