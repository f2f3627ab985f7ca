"""What libraries draw on the terminal does not hide what llmtrain says."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.tiny_model import save_tiny

_LOAD = """
import sys
import llmtrain_trainer
import datasets
from transformers import AutoModelForSequenceClassification
AutoModelForSequenceClassification.from_pretrained(sys.argv[1])
datasets.load_dataset("json", data_files=sys.argv[2], cache_dir=sys.argv[3])
"""


@pytest.mark.slow
def test_models_and_data_sets_are_loaded_without_bars_and_tables(tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model")  # no classifier: the library reports what it lacks
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "one"}\n')
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, str(model), str(rows), str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout + done.stderr == ""
