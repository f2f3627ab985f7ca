"""Records the software and hardware of an attempt, for repeating the run."""

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
    """Write the record of this attempt to the workspace."""
    environment = Environment(
        llmtrain=version("llmtrain"),
        python=platform.python_version(),
        platform=platform.platform(),
        libraries={name: version(name) for name in _LIBRARIES},
        workers=config.workers,
    )
    path = Workspace(Path(config.workspace)).environment(config.stage, config.attempt)
    replace_file(path, environment.model_dump_json(indent=2) + "\n")
