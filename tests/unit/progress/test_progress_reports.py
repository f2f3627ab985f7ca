"""From rank 0 to the driver, and from the driver to whoever asks."""

import json
import math
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError
from support.cluster.binaries import binary
from support.tiny_job import pretrain_config

from llmtrain_api.goodput import WorkSeconds
from llmtrain_api.stages import Stage
from llmtrain_api.training_metrics import TrainingMetrics
from llmtrain_trainer.progress.reporter import HttpReporter
from llmtrain_trainer.progress.server import exposition, serve_progress
from llmtrain_trainer.progress.tracker import ProgressTracker


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tracker() -> ProgressTracker:
    return ProgressTracker(pretrain_config(Path("/nowhere")), clock=lambda: 5.0)


def test_an_update_keeps_what_it_does_not_name() -> None:
    tracker = _tracker()
    tracker.update(activity="training")
    tracker.log(TrainingMetrics(total_steps=10))
    tracker.update(percent=30.0)
    tracker.log(TrainingMetrics(step=3))
    report = tracker.report
    assert (report.total_steps, report.step, report.percent) == (10, 3, 30.0)
    assert (report.activity, report.heartbeat) == ("training", 5.0)


def test_what_rank_0_reports_is_served(port: int) -> None:
    tracker, stop = _tracker(), threading.Event()
    with serve_progress("127.0.0.1", port, tracker, stop, token="secret", cluster_token="ray"):
        with HttpReporter(
            f"http://127.0.0.1:{port}/report", "secret", threading.Event()
        ) as reporter:
            reporter.log(TrainingMetrics(step=1, total_steps=4, loss=2.5))
            reporter.log(TrainingMetrics(step=2))
        headers = {"X-Ray-Authorization": "Bearer ray"}
        url = f"http://127.0.0.1:{port}/progress"
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as reply:
            served = json.load(reply)
    assert served["step"] == 2
    assert served["totalSteps"] == 4
    assert served["loss"] == 2.5
    assert served["stage"] == "pretrain"


def test_warnings_add_up_here_and_on_their_way(port: int) -> None:
    tracker, stop = _tracker(), threading.Event()
    tracker.update(warnings=("one",))
    with (
        serve_progress("127.0.0.1", port, tracker, stop, token="secret"),
        HttpReporter(f"http://127.0.0.1:{port}/report", "secret", threading.Event()) as reporter,
    ):
        reporter.update(warnings=("two",))
        reporter.update(warnings=("one", "three"))
    assert tracker.report.warnings == ("one", "two", "three")


def test_rank_0_hears_that_it_is_to_stop(port: int) -> None:
    stop, heard = threading.Event(), threading.Event()
    stop.set()
    with (
        serve_progress("127.0.0.1", port, _tracker(), stop, token="secret"),
        HttpReporter(f"http://127.0.0.1:{port}/report", "secret", heard),
    ):
        assert heard.wait(timeout=30)


def test_nobody_else_may_report(port: int) -> None:
    tracker = _tracker()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/report",
        data=b'{"step": 9}',
        headers={"Authorization": "Bearer wrong"},
    )
    with (
        serve_progress("127.0.0.1", port, tracker, threading.Event(), token="secret"),
        pytest.raises(urllib.error.HTTPError, match="403") as refused,
    ):
        urllib.request.urlopen(request)
    refused.value.close()
    assert tracker.report.step is None


@pytest.mark.parametrize("path", ["/progress", "/metrics", "/elsewhere"])
@pytest.mark.parametrize("cluster_token", ["ray", None])
def test_nobody_reads_anything_without_the_token(
    port: int, path: str, cluster_token: str | None
) -> None:
    for headers in ({}, {"Authorization": "Bearer "}, {"X-Ray-Authorization": "Bearer secret"}):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
        served = serve_progress(
            "127.0.0.1",
            port,
            _tracker(),
            threading.Event(),
            token="secret",
            cluster_token=cluster_token,
        )
        with served, pytest.raises(urllib.error.HTTPError, match="403") as refused:
            urllib.request.urlopen(request)
        refused.value.close()


def test_training_goes_on_when_the_driver_is_gone(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with HttpReporter(f"http://127.0.0.1:{port}/report", "secret", threading.Event()) as reporter:
        reporter.log(TrainingMetrics(step=1))
    assert "cannot be reached" in caplog.text


@pytest.mark.parametrize(("sent", "stops"), [("of-the-cluster", True), ("another", False)])
def test_the_cluster_s_token_allows_to_stop(port: int, sent: str, *, stops: bool) -> None:
    stop = threading.Event()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/stop", data=b"", headers={"Authorization": f"Bearer {sent}"}
    )
    with serve_progress(
        "127.0.0.1", port, _tracker(), stop, token="secret", cluster_token="of-the-cluster"
    ):
        if stops:
            urllib.request.urlopen(request).close()
        else:
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(request)
    assert stop.is_set() is stops


def test_nobody_may_stop_a_stage_that_has_no_cluster_token(port: int) -> None:
    stop = threading.Event()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/stop", data=b"", headers={"Authorization": "Bearer "}
    )
    with (
        serve_progress("127.0.0.1", port, _tracker(), stop, token="secret"),
        pytest.raises(urllib.error.HTTPError, match="403"),
    ):
        urllib.request.urlopen(request)
    assert not stop.is_set()


def test_what_came_before_the_ranks_is_start_up() -> None:
    now = 100.0
    config = pretrain_config(Path("/nowhere"))
    tracker = ProgressTracker(config, clock=lambda: now, started=90.0)
    work = WorkSeconds(start_up=4, productive=6, uncommitted=6)
    now = 112.0
    tracker.log(TrainingMetrics(step=1))
    tracker.update(work=work)  # at 112: 22 s, of which the ranks report 10
    assert tracker.report.work == work.replace(start_up=16)
    assert tracker.report.start_time == 90


def test_a_stage_that_does_not_train_works_from_the_first_percent_on() -> None:
    now = 100.0
    config = pretrain_config(Path("/nowhere")).replace(stage=Stage.DATA)
    tracker = ProgressTracker(config, clock=lambda: now, started=95.0)
    tracker.update(percent=0, activity="reading")
    assert tracker.report.work == WorkSeconds(start_up=5)
    now = 110.0
    tracker.update(percent=10)
    now = 125.0
    assert tracker.report.work == WorkSeconds(start_up=15, productive=15, uncommitted=15)


def test_prometheus_reads_the_newest_report(port: int) -> None:
    tracker = _tracker()
    work = WorkSeconds(productive=3, uncommitted=1)
    tracker.update(percent=50, work=work)
    tracker.log(TrainingMetrics(step=7, loss=2.5, gradient_norm=0.5))
    url = f"http://127.0.0.1:{port}/metrics"
    served = serve_progress(
        "127.0.0.1", port, tracker, threading.Event(), token="secret", open_metrics=True
    )
    with served, urllib.request.urlopen(url) as reply:
        text = reply.read().decode()
    samples = {
        (sample.name, sample.labels.get("bucket")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["llmtrain_driver_step", None] == 7
    assert samples["llmtrain_driver_progress_ratio", None] == 0.5
    assert samples["llmtrain_driver_gradient_norm", None] == 0.5
    assert samples["llmtrain_driver_time_seconds_total", "productive"] == 3
    assert not any(bucket == "uncommitted" for _, bucket in samples)
    assert ("llmtrain_driver_validation_bits_per_byte", None) not in samples
    checked = subprocess.run(
        [binary("promtool"), "check", "metrics"], input=text, text=True, check=False
    )
    assert checked.returncode == 0


def test_values_without_a_field_are_exported_under_their_names(port: int) -> None:
    tracker, stop = _tracker(), threading.Event()
    with (
        serve_progress("127.0.0.1", port, tracker, stop, token="secret", open_metrics=True),
        HttpReporter(f"http://127.0.0.1:{port}/report", "secret", threading.Event()) as reporter,
    ):
        reporter.log(TrainingMetrics(scalars={"router/load": 0.5, "z_loss": 1.0}))
        reporter.log(TrainingMetrics(scalars={"z_loss": 2.0, "broken": math.nan}))
    values = {
        sample.labels["metric"]: sample.value
        for family in text_string_to_metric_families(exposition(tracker))
        for sample in family.samples
        if sample.name == "llmtrain_driver_scalar"
    }
    assert values == {"router/load": 0.5, "z_loss": 2.0}


@pytest.mark.parametrize(
    "scalars", [{"no spaces": 1.0}, {"": 1.0}, {f"name{number}": 1.0 for number in range(65)}]
)
def test_names_and_number_of_values_are_bounded(scalars: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        TrainingMetrics(scalars=scalars)
