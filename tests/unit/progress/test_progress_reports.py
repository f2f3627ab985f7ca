"""From rank 0 to the driver, and from the driver to whoever asks."""

import json
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from support.tiny_job import pretrain_config

from llmtrain_trainer.progress.http_reporter import HttpReporter
from llmtrain_trainer.progress.server import serve_progress
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
    tracker.update(total_steps=10, activity="training")
    tracker.update(step=3, percent=30.0)
    report = tracker.report
    assert (report.total_steps, report.step, report.percent) == (10, 3, 30.0)
    assert (report.activity, report.heartbeat) == ("training", 5.0)


def test_what_rank_0_reports_is_served(port: int) -> None:
    tracker, stop = _tracker(), threading.Event()
    with serve_progress("127.0.0.1", port, tracker, stop, token="secret"):
        with HttpReporter(f"http://127.0.0.1:{port}/report", "secret", threading.Event()) as told:
            told.update(step=1, total_steps=4, loss=2.5)
            told.update(step=2)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/progress") as reply:
            served = json.load(reply)
    assert served["step"] == 2
    assert served["totalSteps"] == 4
    assert served["loss"] == 2.5
    assert served["stage"] == "pretrain"


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


def test_training_goes_on_when_the_driver_is_gone(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with HttpReporter(f"http://127.0.0.1:{port}/report", "secret", threading.Event()) as told:
        told.update(step=1)
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
