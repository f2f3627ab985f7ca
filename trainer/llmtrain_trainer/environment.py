"""Writes down what an attempt runs on: who repeats the run will want the same versions."""

import platform
from importlib.metadata import version
from pathlib import Path

from llmtrain_api.records import Environment
from llmtrain_api.run_config import RunConfig
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.files import replace_file

_LIBRARIES = (
    "torch",
    "deepspeed",
    "ray",
    "transformers",
    "tokenizers",
    "datasets",
    "peft",
    "lm-eval",
    "numpy",
    "pyarrow",
)


def record_environment(config: RunConfig) -> None:
    """Leave the record of this attempt in the workspace."""
    environment = Environment(
        llmtrain=version("llmtrain"),
        python=platform.python_version(),
        platform=platform.platform(),
        libraries={name: version(name) for name in _LIBRARIES},
        workers=config.workers,
    )
    path = Workspace(Path(config.workspace)).environment(config.stage, config.attempt)
    replace_file(path, environment.model_dump_json(indent=2) + "\n")
