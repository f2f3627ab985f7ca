"""A training step makes the host wait for the device once."""

import json
import os
from pathlib import Path

from support.tiny_job import pretrain_config, write_tokens
from support.warm_python import start_python

from llmtrain_api.workspace import Workspace

_STAGES = (0, 2, 3)
_OTHERS = ("/torch/optim/",)


def test_the_host_waits_once_a_step(tmp_path: Path) -> None:
    configs = []
    for stage in _STAGES:
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
    for stage, steps in zip(_STAGES, json.loads(result.read_text()), strict=True):
        assert steps
        # Not ours: AdamW's count of steps, which on a GPU lies on the GPU, and in stage 3 the look
        # of DeepSpeed at the gradient norm.
        others = (*_OTHERS, "/deepspeed/") if stage == 3 else _OTHERS
        for reads, readers in steps:
            assert reads == 1
            for reader in readers:
                assert any(part in reader for part in others), (stage, reader)
