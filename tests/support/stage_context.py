"""What a stage is given, made from a few lines of a manifest."""

from pathlib import Path

from llmtrain_api.run_config import RunConfig
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.stage import StageContext


def stage_context(stage: str, folder: Path, **sections: object) -> StageContext:
    """A context whose inputs folder is `folder/inputs` and workspace `folder/workspace`.

    Args:
        stage: its name.
        folder: an empty one.
        sections: sections of the manifest, as in YAML: `data={...}`.
    """
    (folder / "inputs").mkdir(exist_ok=True)
    config = RunConfig.model_validate(
        {
            "jobName": "test",
            "jobUid": "00000000-0000-0000-0000-000000000000",
            "stage": stage,
            "attempt": 0,
            "seed": 1234,
            "workspace": str(folder / "workspace"),
            "inputs": str(folder / "inputs"),
            "workers": {"count": 1, "cpus": 1, "gpus": 0},
            "progressHost": "127.0.0.1",
            "progressPort": 8790,
            **sections,
        }
    )
    return StageContext(config=config, progress=ProgressTracker(config))


def documents_of(workspace: Workspace, split: str) -> list[str]:
    """The texts of a split, in order."""
    import pyarrow.parquet as pq

    files = sorted((workspace.documents / split).glob("*.parquet"))
    return [text for file in files for text in pq.read_table(file)["text"].to_pylist()]
