"""A training step makes the host wait for the device once."""

import json
import os
from pathlib import Path

from support.tiny_job import pretrain_config, write_tokens
from support.warm_python import start_python

from llmtrain_api.workspace import Workspace

_OTHERS = ("/deepspeed/", "/torch/optim/")


def test_the_host_waits_once_a_step(tmp_path: Path) -> None:
    configs = []
    for stage in (0, 2, 3):
        folder = tmp_path / str(stage)
        folder.mkdir()
        write_tokens(Workspace(folder))
        configs.append(pretrain_config(folder, workers=1, zero={"stage": stage}, precision="bf16"))
    runs, result = tmp_path / "runs.json", tmp_path / "result.json"
    runs.write_text(json.dumps([config.model_dump_json() for config in configs]))
    with (tmp_path / "log").open("w") as log:
        process = start_python(
            "support.host_waits:count",
            str(runs),
            str(result),
            environment=os.environ | {"OMP_NUM_THREADS": "1"},
            output=log.fileno(),
            errors=log.fileno(),
        )
        assert process.wait(300) == 0, (tmp_path / "log").read_text()
    for steps in json.loads(result.read_text()):
        assert steps
        for reads, readers in steps:
            assert reads == 1
            # What we cannot help: DeepSpeed's gradient norm, and AdamW's count of steps, which on a
            # GPU lies on the GPU.
            for reader in readers:
                assert any(part in reader for part in _OTHERS), reader
