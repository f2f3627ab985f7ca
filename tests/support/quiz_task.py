"""A task of the lm-evaluation-harness with given questions."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

NAME = "quiz"


def write_quiz(folder: Path, rows: Sequence[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Write the task's files.

    Args:
        folder: the inputs folder.
        rows: questions, each with `question`, `choices` and `right`.
        changes: fields of the task's file.

    Returns:
        The task as in a manifest.
    """
    where = folder / NAME
    where.mkdir(parents=True)
    (where / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    task = {
        "task": NAME,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": "rows.jsonl"}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "Answer the question.\n\nQuestion: {{question}}\nAnswer:",
        "doc_to_choice": "choices",
        "doc_to_target": "right",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }
    (where / f"{NAME}.yaml").write_text(yaml.safe_dump(task | changes))
    return {"lmEval": {"name": NAME, "include": NAME}}
