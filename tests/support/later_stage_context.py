"""The context of a stage after the pretraining, on a workspace that a test fills."""

from pathlib import Path

from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Stage
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.stage import StageContext


def stage_context(workspace: Path, stage: Stage, **sections: object) -> StageContext:
    """What a stage is given; its inputs folder is the workspace.

    Args:
        workspace: may be empty.
        stage: which stage.
        sections: sections of the manifest, as in YAML; `model` is by default the folder `model`.
    """
    config = RunConfig.model_validate(
        {
            "jobName": "tiny",
            "jobUid": "00000000-0000",
            "stage": stage,
            "attempt": 0,
            "seed": 7,
            "workspace": str(workspace),
            "inputs": str(workspace),
            "workers": {"count": 1, "cpus": 1, "gpus": 0},
            "progressHost": "127.0.0.1",
            "progressPort": 1,
            "model": {"initFrom": "model"},
            **sections,
        }
    )
    return StageContext(config, ProgressTracker(config))
