"""A gradient that is not a number ends the stage, and nothing of that step is kept."""

from pathlib import Path

from support.rank_process import call_as_only_rank
from support.tiny_job import pretrain_config, write_tokens

from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.checkpoint.manifest import newest_committed

_BROKEN = 3


def test_nothing_of_the_step_is_kept(tmp_path: Path) -> None:
    """Its checkpoint is due too: of stages that DeepSpeed checks, and of those that only we do."""
    cases = [(0, "bf16"), (1, "bf16"), (2, "bf16"), (2, "fp32"), (3, "bf16")]
    runs = []
    for stage, precision in cases:
        folder = tmp_path / f"{stage}-{precision}"
        folder.mkdir()
        write_tokens(Workspace(folder))
        config = pretrain_config(
            folder,
            workers=1,
            zero={"stage": stage},
            precision=precision,
            checkpoint={"everySteps": 1},
        )
        runs.append((config.model_dump_json(), _BROKEN))
    errors = call_as_only_rank("support.broken_gradient:train", runs, tmp_path)
    assert [reason for reason, _ in errors] == ["LossNotFinite"] * len(cases)
    for (stage, precision), (_, message) in zip(cases, errors, strict=True):
        assert f"at step {_BROKEN}; nothing of that step was kept" in message
        checkpoints = Workspace(tmp_path / f"{stage}-{precision}").checkpoints(Stage.PRETRAIN)
        assert newest_committed(checkpoints) == _BROKEN - 1
