"""`llmtrain run` whose Ray answers, and will not have what is submitted to it."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from rich.console import Console
from support.local_run import small_spec, write_manifest

from llmtrain_api.status import Phase, StageState
from llmtrain_api.workspace import Workspace
from llmtrain_cli.local import executor
from llmtrain_cli.local.display import RunDisplay
from llmtrain_cli.local.executor import LocalExecutor
from llmtrain_cli.local.inputs import Inputs
from llmtrain_cli.local.ray_head import RayHead
from llmtrain_cli.local.state import RunState
from llmtrain_cli.manifest import load_manifest
from llmtrain_lifecycle.settings import Settings


@asynccontextmanager
async def _refusing_ray(**_: object) -> AsyncIterator[RayHead]:
    """A head that knows no job, and refuses every new one."""

    async def answer(request: web.Request) -> web.Response:
        refused = {"GET": 404, "PUT": 200, "POST": 400}
        return web.Response(status=refused[request.method], text="TypeError: not like this")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    with subprocess.Popen(  # noqa: ASYNC220 - starting it blocks for a moment only
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE
    ) as process:
        async with TestServer(app) as server:
            yield RayHead(str(server.make_url("")).rstrip("/"), "token", process)
        process.kill()


@pytest.mark.slow
async def test_it_fails_at_once_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "ray_head", _refusing_ray)
    state = RunState(Workspace(tmp_path / "work"))
    state.workspace.private.mkdir(parents=True)
    job = load_manifest(write_manifest(tmp_path, small_spec()))
    run = LocalExecutor(
        state.open(job),
        state=state,
        settings=Settings(
            workspace=str(state.workspace.root), inputs=str(tmp_path), one_cluster=True
        ),
        inputs=Inputs(job.spec, state.workspace, folder=tmp_path, home=tmp_path),
        display=RunDisplay(job, Console(quiet=True)),
        lock=0,
        cpus=1,
    )

    status = await run.run()

    assert status.phase is Phase.FAILED
    (stage, *_) = status.stages
    assert stage.run.attempt is not None
    assert (stage.state, stage.run.attempt.number) == (StageState.FAILED, 0)
    assert stage.run.message is not None
    assert "Ray answered 400" in stage.run.message
