"""A checkpoint that is written while training goes on holds the state of its own step."""

from pathlib import Path

from support.rank_process import call_as_only_rank
from support.saved_twice import LIVE
from support.tiny_job import pretrain_config, write_tokens

from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace

STAGES = {
    "0": {"zero": {"stage": 0}},
    "2": {"zero": {"stage": 2}, "precision": "bf16"},
    "3": {"zero": {"stage": 3}},
}
_SAVED_STEPS = (5, 10, 12)


def test_each_file_is_the_one_that_deepspeed_would_have_written_at_once(tmp_path: Path) -> None:
    """The state is copied: the steps after it change all of it in place."""
    configs = []
    for name, changes in STAGES.items():
        (tmp_path / name).mkdir()
        write_tokens(Workspace(tmp_path / name))
        configs.append(pretrain_config(tmp_path / name, **changes))
    runs = [config.model_dump_json() for config in configs]
    saved = call_as_only_rank("support.saved_twice:train", runs, tmp_path)
    assert saved == [len(_SAVED_STEPS)] * len(STAGES)
    for name in STAGES:
        for number, step in enumerate(_SAVED_STEPS):
            live = _files(tmp_path / name / LIVE / str(number))
            checkpoint = Workspace(tmp_path / name).checkpoints(Stage.PRETRAIN)
            written = _files(checkpoint / f"step-{step:08d}" / "deepspeed")
            assert sorted(written) == sorted(live)
            assert written == live, f"ZeRO {name}, step {step}"
            assert len(written) == (1 if name == "0" else 2)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
