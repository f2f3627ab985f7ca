"""Executes the state machine's decisions with a Ray of its own on this machine."""

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from llmtrain.local.state import RunState, StoredRun
from llmtrain_api.status import JobStatus, Phase, StageState, StageStatus
from llmtrain_cli.local.drivers import Drivers
from llmtrain_cli.local.inputs import Inputs
from llmtrain_cli.local.machine import PaidMachine
from llmtrain_cli.local.priority import Watchers
from llmtrain_cli.local.ray_head import RayHead, ray_head
from llmtrain_clients.http import DirectHttp, Http, http_session, ray_headers
from llmtrain_clients.progress import read_progress
from llmtrain_lifecycle.accounts import broken_off
from llmtrain_lifecycle.decide import decide
from llmtrain_lifecycle.decision import Action, DeleteCluster, EnsureCluster, Stop, Submit
from llmtrain_lifecycle.settings import Settings
from llmtrain_lifecycle.snapshot import Cluster, ClusterState, Snapshot

_POLL_SECONDS = 0.5
_TRAINING_POLL_SECONDS = 2.0
"""Interval between reconciles. Each takes CPU time from the workers, which wait for one another."""


class Display(Protocol):
    """Shows the progress of a run."""

    def show(self, status: JobStatus) -> None:
        """Show the newest status."""
        ...

    def say(self, message: str) -> None:
        """Show a line of text."""
        ...


class LocalExecutor:
    """Runs one job until it ends or a stop is requested.

    Args:
        run: the job, its UID and its status.
        state: the file of the status.
        settings: the state machine's settings on this machine.
        inputs: the stages' input files.
        display: display of the progress.
        lock: file descriptor of the workspace lock.
        cpus: CPU cores that Ray may give to tasks.
    """

    def __init__(
        self,
        run: StoredRun,
        *,
        state: RunState,
        settings: Settings,
        inputs: Inputs,
        display: Display,
        lock: int,
        cpus: int,
    ) -> None:
        self._machine = PaidMachine(run.status.cost, settings.usd_per_hour)
        self._run = run.replace(status=broken_off(run.status))
        self._state = state
        self._settings, self._inputs = settings, inputs
        self._display, self._lock, self._cpus = display, lock, cpus
        self._cluster = AsyncExitStack()
        self._head: RayHead | None = None
        self._drivers: Drivers | None = None
        self._driver: Http | None = None
        self._watchers: Watchers | None = None
        self._clusters: tuple[Cluster, ...] = ()
        self._stop_requested = False
        self._wake = asyncio.Event()

    def request_stop(self) -> None:
        """Ask the stage to stop after a checkpoint."""
        self._stop_requested = True
        self._wake.set()

    async def run(self) -> JobStatus:
        """Reconcile until the job has ended or is suspended; returns its last status.

        Raises:
            RayStartError: Ray does not start on this machine.
        """
        try:
            while True:
                wait_seconds = await self._pass()
                phase = self._run.status.phase
                if phase.terminal or phase is Phase.SUSPENDED:
                    return self._run.status
                await self._sleep(wait_seconds)
        finally:
            await self._delete_cluster()

    async def _pass(self) -> float:
        """Reconcile once; returns the seconds until the next reconcile."""
        snapshot = await self._snapshot()
        run = self._run
        decision = decide(
            run.job, run.uid, 1, run.status, snapshot, datetime.now(UTC), self._settings
        )
        for action in decision.actions:
            await self._carry_out(action)
        if decision.status != run.status:
            self._run = run.replace(status=decision.status)
            self._state.write(self._run)
        self._display.show(decision.status)
        if self._is_training and self._watchers is not None:
            self._watchers.lower()
        poll_seconds = _TRAINING_POLL_SECONDS if self._is_training else _POLL_SECONDS
        if decision.requeue_after_seconds is None:
            return poll_seconds
        return min(poll_seconds, decision.requeue_after_seconds)

    @property
    def _is_training(self) -> bool:
        """Whether a stage makes optimizer steps now."""
        stage, progress = self._current_stage(), self._run.status.progress
        if stage is None or stage.state is not StageState.RUNNING or progress is None:
            return False
        return progress.stage is stage.name and bool(progress.step)

    async def _snapshot(self) -> Snapshot:
        seen = await self._look()
        return replace(seen, paid=self._machine.paid, expected_usd_per_hour=self._machine.price)

    async def _look(self) -> Snapshot:
        if self._head is not None:
            self._head.require_start()
            if not self._head.alive:
                await self._delete_cluster()
        stage = self._current_stage()
        seen = Snapshot(self._clusters, stop_requested=self._stop_requested)
        attempt = stage.run.live_attempt if stage else None
        if self._drivers is None or attempt is None:
            return seen
        assert self._driver is not None, "it comes with the drivers"
        submission = self._drivers.get(attempt.submission_id)
        if submission is None:
            return seen
        progress = None if submission.state.ended else await read_progress(self._driver)
        return replace(seen, submissions=(submission,), progress=progress)

    def _current_stage(self) -> StageStatus | None:
        stages = (self._run.status.stage(name) for name in self._run.job.spec.stages)
        return next((s for s in stages if s.state is not StageState.SUCCEEDED), None)

    async def _carry_out(self, action: Action) -> None:
        match action:
            case EnsureCluster(name):
                await self._ensure_cluster(name)
            case DeleteCluster():
                await self._delete_cluster()
            case Submit(submission_id, run_config):
                assert self._drivers is not None, "the snapshot said that the cluster is ready"
                self._inputs.record(run_config.stage)
                await self._drivers.submit(submission_id, run_config)
            case Stop(submission_id):
                if self._drivers is not None:
                    self._drivers.stop(submission_id)

    async def _ensure_cluster(self, name: str) -> None:
        given = {each.name: each.value for each in self._run.job.spec.environment}
        self._head = await self._cluster.enter_async_context(
            ray_head(
                cpus=self._cpus,
                log=self._state.workspace.private / "ray.log",
                lock=self._lock,
                given=given,
                variables=self._variables(os.environ | given),
            )
        )
        self._drivers = await self._cluster.enter_async_context(
            Drivers(self._head, lock=self._lock, on_end=self._wake.set)
        )
        session = await self._cluster.enter_async_context(http_session())
        self._watchers = Watchers(os.getpid())
        progress = f"http://{self._settings.progress_host}:{self._settings.progress_port}"
        self._driver = DirectHttp(session, progress, ray_headers(self._head.token))
        self._clusters = (Cluster(name, ClusterState.READY),)
        self._machine.begin(datetime.now(UTC))

    async def _delete_cluster(self) -> None:
        self._head, self._drivers, self._clusters = None, None, ()
        self._machine.end(datetime.now(UTC))
        await self._cluster.aclose()

    def _variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """Our environment variables of the drivers and of Ray's workers."""
        binaries = str(Path(sys.executable).parent)
        variables = {"PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}"}
        if "TORCHINDUCTOR_CACHE_DIR" not in given:  # each Ray has its own temporary files
            compiled = self._state.workspace.private / "compiled"
            variables["TORCHINDUCTOR_CACHE_DIR"] = str(compiled)
        if not self._settings.use_gpus:
            variables["DS_ACCELERATOR"] = "cpu"
        return variables

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), timeout=seconds)
        except TimeoutError:
            return
        self._wake.clear()
