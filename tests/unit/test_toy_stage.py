"""A stage is added by three files: its section, its row, and its package in the trainer.

The toy stage is added to a copy of the source. Nothing else in the copy knows it, and yet a job
with it goes all the way.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.repository import ROOT

TOY = ROOT / "tests" / "support" / "toy_stage"
IN_THE_TABLE = {
    "from llmtrain_api.spec.tokenizer import Tokenizer\n": (
        "from llmtrain_api.spec.toy import Toy\n"
    ),
    '    DATA = "data", StageRow(weight=5, results=("data",))\n': (
        '    TOY = "toy", StageRow(weight=15, results=("toy",))\n'
    ),
    "    data: Data | None = None\n": "    toy: Toy | None = None\n",
}
"""Lines of the table, and the new line after each."""


def test_a_stage_is_a_section_a_row_and_a_package(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for root in ("operator", "trainer"):
        shutil.copytree(ROOT / root, source / root)
    table = source / "operator" / "llmtrain_api" / "stages.py"
    text = table.read_text()
    for line, new in IN_THE_TABLE.items():
        assert text.count(line) == 1, line
        text = text.replace(line, line + new)
    table.write_text(text)
    shutil.copy(TOY / "section.py", source / "operator" / "llmtrain_api" / "spec" / "toy.py")
    package = source / "trainer" / "llmtrain_trainer" / "toy"
    package.mkdir()
    shutil.copy(TOY / "runner.py", package)
    path = os.pathsep.join(
        map(str, (source / "operator", source / "trainer", ROOT / "tests")),
    )
    walk = subprocess.run(
        [sys.executable, str(TOY / "walk.py"), str(tmp_path / "workspace")],
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert walk.returncode == 0, walk.stderr
