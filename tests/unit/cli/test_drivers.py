"""Drivers as processes of this machine: their ends, stops, and the Ray that starts beside them."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from support.stage_context import stage_context

from llmtrain.local.closed_files import ProcessFolder
from llmtrain_api.exit_codes import ExitCode, Outcome
from llmtrain_api.run_config import RunConfig
from llmtrain_cli.local import drivers, ray_head
from llmtrain_cli.local.drivers import Drivers
from llmtrain_cli.local.ray_head import RayHead, RayStartError, free_ports
from llmtrain_lifecycle.snapshot import Submission, SubmissionState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

ID = "job-data-0"


def head(folder: Path, program: str = "input()") -> RayHead:
    """A head whose process runs a few lines of Python instead of Ray."""
    shared = ProcessFolder(folder)
    shared.working.mkdir()
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    port, manager = free_ports(2)
    ports = {"port": port, "node-manager-port": manager}
    environment = os.environ | {"RAY_AUTH_TOKEN": "token"}
    return RayHead(process, shared, environment, ports, folder / "ray.log")


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    """A run config that is longer than an environment variable or a command line may be."""
    paths = [f"{'./' * (200 + number)}a.jsonl" for number in range(256)]
    source = {"files": {"paths": paths, "format": "jsonl"}}
    return stage_context("data", tmp_path, data={"sources": [source] * 5}).config


@asynccontextmanager
async def started(
    folder: Path, config: RunConfig, program: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Drivers, asyncio.Event]]:
    """Drivers, one of which runs a few lines of Python; the event says that it has ended."""
    monkeypatch.setattr(drivers, "driver_command", lambda python: [python, "-c", program])
    ray, ended = head(folder), asyncio.Event()
    with ray.process:
        async with Drivers(ray, lock=0, on_end=ended.set) as every:
            await every.submit(ID, config)
            yield every, ended
        ray.process.kill()


def end_of(every: Drivers) -> Submission:
    """The submission, which is there."""
    found = every.get(ID)
    assert found is not None
    return found


def texts(folder: Path) -> list[str]:
    """The content of all files in a folder."""
    return [path.read_text() for path in folder.rglob("*") if path.is_file()]


def first_line(path: Path) -> str:
    """The first line of a file, once it is there."""
    pause = threading.Event()
    while not (path.is_file() and path.read_text().endswith("\n")):
        pause.wait(0.01)
    return path.read_text().strip()


@pytest.mark.parametrize(
    ("program", "state", "code"),
    [
        ("", SubmissionState.SUCCEEDED, ExitCode.DONE),
        ("raise SystemExit(3)", SubmissionState.FAILED, ExitCode.APPLICATION),
        ("import os; os.kill(os.getpid(), 9)", SubmissionState.FAILED, 128 + 9),
    ],
)
async def test_the_end_of_a_driver_is_seen(
    tmp_path: Path,
    config: RunConfig,
    program: str,
    state: SubmissionState,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = Outcome(reason="Because", message="it says so").line()
    read = "from pathlib import Path; import sys; assert Path(sys.argv[1]).stat().st_size > 2**17"
    told = f"{read}; print({line!r}, file=sys.stderr, flush=True)"
    running = started(tmp_path, config, f"{told}; {program}", monkeypatch)
    async with running as (every, ended):
        assert end_of(every).state is SubmissionState.RUNNING
        await every.submit(ID, config)  # an ID is used once
        await ended.wait()
        seen = end_of(every)
        assert every.get("job-data-1") is None
    assert (seen.state, seen.exit_code) == (state, code)
    assert seen.outcome is not None
    assert seen.outcome.reason == "Because"
    assert (tmp_path / f"{ID}.log").read_text().count("Because") == 1
    assert not (tmp_path / ID).exists(), "its run config is removed"


async def test_a_stop_reaches_the_driver(
    tmp_path: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import signal, sys; signal.signal(15, lambda *_: sys.exit(75)); "
        "print('ready', flush=True); signal.pause()"
    )
    async with started(tmp_path, config, program, monkeypatch) as (every, ended):
        await asyncio.to_thread(first_line, tmp_path / f"{ID}.log")
        every.stop(ID)
        await ended.wait()
        seen = end_of(every)
        every.stop(ID)
        every.stop("job-data-1")
    assert (seen.state, seen.exit_code) == (SubmissionState.STOPPED, ExitCode.INTERRUPTED)


async def test_drivers_end_with_their_run(
    tmp_path: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import os, signal; signal.signal(15, signal.SIG_IGN); "
        "print(os.getpid(), flush=True); signal.pause()"
    )
    async with started(tmp_path, config, program, monkeypatch):
        number = int(await asyncio.to_thread(first_line, tmp_path / f"{ID}.log"))
        assert psutil.pid_exists(number)
    assert not psutil.pid_exists(number)


async def test_a_secret_reaches_the_driver_in_its_environment_alone(
    tmp_path: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "canary-5f3a9c")
    program = (
        "import os, signal; assert os.environ['HF_TOKEN'].startswith('canary'); "
        "print(os.getpid(), flush=True); signal.pause()"
    )
    async with started(tmp_path, config, program, monkeypatch) as (every, _):
        number = int(await asyncio.to_thread(first_line, tmp_path / f"{ID}.log"))
        driver = psutil.Process(number)
        commands = [each.cmdline() for each in (driver, *driver.parents())]
        written = texts(tmp_path)
        every.stop(ID)
    assert written
    assert "canary-" not in str((commands, written))


async def test_the_variables_of_a_job_do_not_let_its_run_off_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_head, "_command", lambda *_: [sys.executable, "-c", ""])
    given = {"NCCL_DEBUG": "WARN", "NCCL_SOCKET_IFNAME": "eth9", "GLOO_SOCKET_IFNAME": "eth9"}
    running = ray_head.ray_head(
        cpus=1, log=tmp_path / "ray.log", lock=0, given=given, variables={"OURS": "1"}
    )
    async with running as head_of_job:
        seen = head_of_job.environment
    assert (seen["NCCL_DEBUG"], seen["OURS"]) == ("WARN", "1")
    assert "eth9" not in {seen["NCCL_SOCKET_IFNAME"], seen["GLOO_SOCKET_IFNAME"]}


def test_a_ray_that_ends_before_it_is_up_is_an_error(tmp_path: Path) -> None:
    ray = head(tmp_path, program="")
    ray.process.communicate()
    with pytest.raises(RayStartError, match=r"did not start; its output is in .*ray\.log"):
        ray.require_start()


def test_a_ray_that_was_up_may_end(tmp_path: Path) -> None:
    """Then its run starts another one."""
    ray = head(tmp_path)
    with ray.process, socket.socket() as raylet:
        ray.require_start()
        raylet.bind(("127.0.0.1", ray.ports["node-manager-port"]))
        raylet.listen()
        ray.require_start()
        ray.process.kill()
    ray.require_start()
    assert not ray.alive
