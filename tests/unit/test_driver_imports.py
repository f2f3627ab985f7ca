"""The packages that drivers of small data import: each costs seconds before the stage works."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.cluster.processes import free_port
from support.stage_context import stage_context

from llmtrain_trainer.stage import StageContext

_SCRIPT = """
import json, sys
from llmtrain_trainer.__main__ import main
code = main()
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def _context(stage: str, folder: Path) -> StageContext:
    files = {"paths": ["*.jsonl"], "format": "jsonl"}
    data = {"sources": [{"files": files}], "steps": [{"gopher": {"minWords": 3}}]}
    tokenizer = {"algorithm": "bpe", "vocabularySize": 300}
    return stage_context(stage, folder, data=data, tokenizer=tokenizer)


def _imported_by(context: StageContext) -> set[str]:
    """Names of the packages that a driver has imported at its end."""
    config = context.config.replace(progress_port=free_port())
    path = Path(config.workspace).with_name("run-config.json")
    path.write_text(config.model_dump_json())
    driver = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(path)], capture_output=True, text=True, check=True
    )
    code, modules = json.loads(driver.stdout.splitlines()[-1])
    assert code == 0, driver.stderr
    return set(modules)


@pytest.mark.slow
def test_drivers_of_small_data_import_only_what_they_use(tmp_path: Path) -> None:
    context = _context("data", tmp_path)
    texts = [
        f"The words of document {n} have to be read with care: that is the end." for n in range(80)
    ]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    (tmp_path / "inputs" / "documents.jsonl").write_text(lines)
    modules = _imported_by(context)
    assert context.workspace.data_report.is_file()
    assert not modules & {"ray", "torch", "transformers", "datasets"}
    modules = _imported_by(_context("tokenizer", tmp_path))
    assert context.workspace.tokens.is_dir()
    assert not modules & {"ray", "datasets"}
