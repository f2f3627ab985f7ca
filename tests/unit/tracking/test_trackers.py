"""Points as the tracking libraries themselves give them back."""

import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from support.cluster.processes import LOOPBACK, free_port
from support.event_files import events, scalars
from support.tiny_job import pretrain_config

from llmtrain_api.records import StepRecord
from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.tracking import Tracking
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.tracking import background
from llmtrain_trainer.tracking.trackers import open_trackers, point_of, require_packages


@pytest.fixture(autouse=True)
def _time_to_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, importing a library alone may take longer than a stage would wait."""
    monkeypatch.setattr(background, "_CLOSE_SECONDS", 300)


def _config(workspace: Path, **sections: Any) -> RunConfig:
    tracking = Tracking.model_validate(sections)
    return pretrain_config(workspace).replace(tracking=tracking)


def _train(config: RunConfig, first: int, last: int) -> tuple[str, ...]:
    """One attempt, which makes steps; returns its warnings."""
    progress = ProgressTracker(config)
    with open_trackers(config, progress, first - 1) as trackers:
        for step in range(first, last + 1):
            record = StepRecord(step=step, loss=float(10 - step), scalars={"router/load": 0.5})
            for tracker in trackers:
                tracker.add(point_of(record))
    return progress.report.warnings


def test_a_tracker_is_off_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert _train(pretrain_config(tmp_path), 1, 2) == ()
    assert _train(_config(tmp_path), 1, 2) == ()
    assert list(tmp_path.iterdir()) == []


def test_tensorboard_hides_what_a_restart_does_again(tmp_path: Path) -> None:
    config = _config(tmp_path, tensorboard={})
    assert _train(config, 1, 4) == ()
    assert _train(config.replace(attempt=1), 3, 5) == ()
    folder = tmp_path / "tracking" / "tensorboard" / "pretrain"
    assert len(list(folder.iterdir())) == 2
    assert scalars(folder, "loss") == {step: 10 - step for step in range(1, 6)}
    assert scalars(folder, "router/load") == dict.fromkeys(range(1, 6), 0.5)
    (newest,) = folder.glob("*.1")
    assert [event.step for event in events(newest) if event.session_log.status] == [3]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_mlflow_goes_on_with_the_run_of_a_stage(tmp_path: Path) -> None:
    config = _config(tmp_path, mlflow={})
    assert _train(config, 1, 4) == ()
    assert _train(config.replace(attempt=1), 3, 5) == ()
    from mlflow import MlflowClient

    client = MlflowClient((tmp_path / "tracking" / "mlflow").as_uri())
    (experiment,) = (e for e in client.search_experiments() if e.name == "tiny")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params["pretrain.batchTokens"] == "128"
    assert run.data.tags["llmtrain.attempt"] == "1"
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(each.step, each.value) for each in history] == [
        (step, 10 - step) for step in (1, 2, 3, 4, 3, 4, 5)
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_server_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    config = _config(tmp_path, mlflow={"uri": f"http://{LOOPBACK}:{free_port()}"})
    (warning,) = _train(config, 1, 4)
    assert warning.startswith("tracking.mlflow failed, and training goes on: ")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_wandb_writes_offline_files_of_one_run(tmp_path: Path) -> None:
    config = _config(tmp_path, wandb={})
    assert _train(config, 1, 4) == ()
    assert _train(config.replace(attempt=1), 3, 5) == ()
    files = sorted(tmp_path.glob("tracking/wandb/offline-run-*/run-*.wandb"))
    assert {path.name for path in files} == {"run-00000000-0000-pretrain.wandb"}
    assert [_wandb_losses(path) for path in files] == [
        [(step, 10.0 - step) for step in steps] for steps in ((1, 2, 3, 4), (3, 4, 5))
    ]


def _wandb_losses(path: Path) -> list[tuple[int, float]]:
    """By step; a file is a LevelDB log, here of one block, behind a header of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, losses = path.read_bytes()[7:], []
    assert len(data) < 32768
    while data:
        length, kind = struct.unpack("<HB", data[4:7])
        assert kind == 1  # a whole record
        record = Record.FromString(data[7 : 7 + length])
        values = {
            item.key or item.nested_key[0]: json.loads(item.value_json)
            for item in record.history.item
        }
        if "loss" in values:
            losses.append((values["step"], values["loss"]))
        data = data[7 + length :]
    return losses


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_missing_package_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=rf"pip install llmtrain\[{name}\]"):
        require_packages(_config(tmp_path, **{name: {}}))
