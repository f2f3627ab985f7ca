"""A run whose workspace is lost goes on from its bucket, and its model arrives in another."""

from pathlib import Path

import pytest
from support.local_run import LocalRun, small_spec, write_corpus, write_manifest
from support.s3_server import BUCKET, CANARY, S3Server

from llmtrain_api.stages import Stage

pytestmark = pytest.mark.timeout(1800)


def test_a_lost_workspace_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path)
    spec = small_spec() | {
        "workspace": {"mirror": f"s3://{BUCKET}/mirror"},
        "export": {"to": f"s3://{BUCKET}/released"},
    }
    manifest = write_manifest(tmp_path, spec)
    copies = "mirror/commits/checkpoints/pretrain/step-"
    with S3Server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        with LocalRun(manifest, tmp_path / "lost") as run:
            run._wait_until(lambda: any(name.startswith(copies) for name in server.names()))
            newest = max(int(n.removeprefix(copies)) for n in server.names() if copies in n)
            run.wait_for_step(newest + 10)
        lost = run.records()
        with LocalRun(manifest, tmp_path / "fresh") as run:
            code, output = run.wait()
            assert code == 0, output
        weights = server.read("released/model.safetensors")
        assert server.read("released/SHA256SUMS").count(b"\n") > 4
    assert weights == (run.workspace.export / "model.safetensors").read_bytes()
    assert [record for record in run.records() if record["step"] <= newest + 10] == [
        record for record in lost if record["step"] <= newest + 10
    ]
    log = run.workspace.log(Stage.PRETRAIN, 0).read_text()
    assert "was brought from s3://" in log
    assert "results of the stage data: brought" in run.workspace.log(Stage.DATA, 0).read_text()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert CANARY not in output
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
