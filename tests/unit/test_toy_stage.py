"""A stage is added by three files: its section, its row, and its package in the trainer.

Toy stages are added to a copy of the source. Nothing else in the copy knows them, and yet a job
with one goes all the way.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.repository import ROOT

TOY = ROOT / "tests" / "support" / "toy_stage"
API, TRAINER = Path("operator/llmtrain_api"), Path("trainer/llmtrain_trainer")


@pytest.mark.slow
def test_a_stage_is_a_section_a_row_and_a_package(tmp_path: Path) -> None:
    source = copy_with(
        {
            "from llmtrain_api.spec.tokenizer import Tokenizer\n": (
                "from llmtrain_api.spec.toy import Toy\n"
            ),
            '    DATA = "data", StageRow(weight=5, results=("data/documents",'
            ' "data/report.json"))\n': ('    TOY = "toy", StageRow(weight=15, results=("toy",))\n'),
            "    data: Data | None = None\n": "    toy: Toy | None = None\n",
        },
        tmp_path / "source",
    )
    shutil.copy(TOY / "section.py", source / API / "spec" / "toy.py")
    (source / TRAINER / "toy").mkdir()
    shutil.copy(TOY / "runner.py", source / TRAINER / "toy")
    walk("walk.py", source, str(tmp_path / "workspace"))


@pytest.mark.slow
def test_a_stage_that_optimizes_is_no_more(tmp_path: Path) -> None:
    source = copy_with(
        {
            "from llmtrain_api.spec.training import Training\n": (
                "from llmtrain_api.spec.tune import Tune\n"
            ),
            '            results=("data/conversations",),\n        ),\n    )\n': (
                '    TUNE = "tune", StageRow(weight=20, uses_gpus=True, optimizes=True,'
                ' needs_model=True, uses=("seed", "model"), makes=ModelRow(name="tuned"))\n'
            ),
            "    finetune: Finetune | None = None\n": "    tune: Tune | None = None\n",
        },
        tmp_path / "source",
    )
    shutil.copy(TOY / "training_section.py", source / API / "spec" / "tune.py")
    walk("walk_training.py", source)


def copy_with(lines: Mapping[str, str], folder: Path) -> Path:
    """A copy of the source with new lines in the table of stages, each after one that is there."""
    for root in ("operator", "trainer"):
        shutil.copytree(ROOT / root, folder / root)
    table = folder / API / "stages.py"
    text = table.read_text()
    for line, new in lines.items():
        assert text.count(line) == 1, line
        text = text.replace(line, line + new)
    table.write_text(text)
    return folder


def walk(script: str, source: Path, *arguments: str) -> None:
    """Run a script with a copy of the source; it fails where something does not know the stage."""
    path = (source / "operator", source / "trainer", ROOT / "tests")
    done = subprocess.run(
        [sys.executable, str(TOY / script), *arguments],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
