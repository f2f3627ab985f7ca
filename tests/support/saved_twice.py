"""Trains, and saves each checkpoint once more: at once, and from the live state."""

import json
from pathlib import Path

from support.rank_process import join_ranks

from llmtrain_api.run_config import RunConfig

LIVE = "saved-at-once"
"""Folder of a workspace for these files, in a folder for each checkpoint, numbered from 0."""


def train(runs: str, result: str) -> None:
    """Train in this process, as the only rank; a target for `call_as_only_rank`.

    Args:
        runs: a file with a list of run configs.
        result: a file for a list of how many checkpoints each run saved.
    """
    import torch
    from torch import distributed as dist

    from llmtrain_trainer.launch.rank import run_rank
    from llmtrain_trainer.outcome import leave
    from llmtrain_trainer.progress.reporter import NullReporter
    from llmtrain_trainer.stage import StageContext
    from llmtrain_trainer.training.capture import Capture

    save, folder = Capture.save, Path()

    def save_twice(capture: Capture, state_dict: object, path: str) -> None:
        target = folder / str(len(list(folder.glob(f"*/{Path(path).name}")))) / Path(path).name
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state_dict, target)
        save(capture, state_dict, path)

    Capture.save = save_twice  # type: ignore[method-assign]
    join_ranks(runs)
    saved = []
    for text in json.loads(Path(runs).read_text()):
        config = RunConfig.model_validate_json(text)
        folder = Path(config.workspace) / LIVE
        run_rank(StageContext(config, NullReporter()))
        saved.append(len(list(folder.iterdir())))
    Path(result).write_text(json.dumps(saved))
    dist.destroy_process_group()
    leave(0)
