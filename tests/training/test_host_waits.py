"""A training step makes the host wait for the device once."""

from pathlib import Path

from support.rank_process import call_as_only_rank
from support.tiny_job import pretrain_config, write_tokens

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
    runs = [config.model_dump_json() for config in configs]
    counted = call_as_only_rank("support.host_waits:count", runs, tmp_path)
    for stage, steps in zip(_STAGES, counted, strict=True):
        assert steps
        # Not ours: AdamW's count of steps, which on a GPU lies on the GPU, and in stage 3 the look
        # of DeepSpeed at the gradient norm.
        others = (*_OTHERS, "/deepspeed/") if stage == 3 else _OTHERS
        for reads, readers in steps:
            assert reads == 1
            for reader in readers:
                assert any(part in reader for part in others), (stage, reader)
