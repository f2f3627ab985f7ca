"""Copies lie beside the training documents alone, the same ones however the work is shared out."""

import json
import shutil
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.crashed_rename import KilledError, killed_before_rename
from support.prose import PROSE
from support.stage_context import documents_of, stage_context
from support.wordnet_files import write_wordnet

from llmtrain_api.data_report import DataReport
from llmtrain_trainer.data.documents import document_files, document_key
from llmtrain_trainer.data.preview import preview
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.data.warnings import warnings
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokenizer.runner import RUNNER as TOKENIZER_STAGE

WAYS = [{"randomSwap": {"copies": 2}}, {"synonymReplacement": {"wordnet": "wordnet"}}]
_RENAMES = 9
"""Renames from one kill of the driver to the next."""
SOURCES = [
    {"files": {"paths": [f"{name}.jsonl"], "format": "jsonl"}} for name in ("English", "Hindi")
]


def context_in(folder: Path, ways: list[Any] | None = WAYS, seed: int = 1) -> StageContext:
    """Two sources with 20 documents each, all different."""
    inputs = folder / "inputs"
    inputs.mkdir(exist_ok=True)
    if not (inputs / "wordnet").exists():
        write_wordnet(inputs / "wordnet")
        for language in ("English", "Hindi"):
            texts = [f"{' '.join(PROSE[language])} {number}" for number in range(20)]
            lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
            (inputs / f"{language}.jsonl").write_text(lines)
    data: dict[str, Any] = {"sources": SOURCES, "steps": [{"exactDedup": {}}], "augment": ways}
    tokenizer = {"vocabularySize": 400}
    return stage_context(
        "data", folder, data=data | {"validationFraction": 0.2}, tokenizer=tokenizer, seed=seed
    )


def report_of(context: StageContext) -> DataReport:
    return DataReport.model_validate_json(context.workspace.data_report.read_bytes())


def copies_of(context: StageContext) -> list[dict[str, str]]:
    files = document_files(context.workspace.documents / "train")
    return [
        row for file in files if file.holds_copies for row in pq.read_table(file.path).to_pylist()
    ]


@pytest.mark.slow
def test_training_documents_get_copies_in_files_of_their_own(tmp_path: Path) -> None:
    context = context_in(tmp_path, None)
    DATA_STAGE.work(context)
    sides = {side: documents_of(context.workspace, side) for side in ("train", "validation")}
    plain = report_of(context)
    assert not plain.augmentation
    shutil.rmtree(context.workspace.root)
    context = context_in(tmp_path)
    DATA_STAGE.work(context)
    report = report_of(context)
    copies = copies_of(context)
    texts = [row["text"] for row in copies]
    assert documents_of(context.workspace, "validation") == sides["validation"]
    train = documents_of(context.workspace, "train")
    assert [text for text in train if text not in texts] == sides["train"]
    originals = {document_key(text).hex(): text for text in sides["train"]}
    for row in copies:
        assert row["text"] != originals[row["copy_of"]]
        assert row["source"] in {"English.jsonl", "Hindi.jsonl"}
        assert (row["source"] == "Hindi.jsonl") == ("नाव" in row["text"])
    assert report.replace(augmentation=()) == plain
    swapped, replaced = report.augmentation
    assert (swapped.name, replaced.name) == ("randomSwap", "synonymReplacement")
    assert swapped.chosen == replaced.chosen == plain.train
    assert swapped.copies.documents == sum(row["way"] == "randomSwap" for row in copies)
    assert swapped.copies.documents > 1.8 * plain.train.documents
    hindi = sum("नाव" in text for text in sides["train"])
    assert replaced.left_by_rule["notEnglish"] == hindi
    assert report.copies.documents == len(copies)
    assert report.copies.bytes == sum(len(text.encode()) for text in texts)
    assert len(swapped.examples) == 5
    sources = [file.source for file in document_files(context.workspace.documents / "train")]
    assert sources == [0, 0, 1, 1]


@pytest.mark.slow
def test_the_vocabulary_is_learned_from_originals(tmp_path: Path) -> None:
    learned = []
    for ways in (None, WAYS):
        context = context_in(tmp_path, ways)
        DATA_STAGE.work(context)
        TOKENIZER_STAGE.work(context)
        learned.append((context.workspace.tokenizer / "tokenizer.json").read_text())
        shutil.rmtree(context.workspace.root)
    assert learned[0] == learned[1]


@pytest.mark.slow
def test_copies_are_the_same_in_any_units_and_wherever_the_driver_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_in(tmp_path)
    DATA_STAGE.work(context)
    made = copies_of(context), report_of(context)
    shutil.rmtree(context.workspace.root)
    monkeypatch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", 10_000)
    monkeypatch.setattr("llmtrain_trainer.data.documents._ROW_GROUP_BYTES", 4_000)
    for rename in count(2, _RENAMES):
        try:
            with killed_before_rename(rename):
                DATA_STAGE.work(context)
        except KilledError:
            DATA_STAGE.work(context)
            killed = True
        else:
            killed = False
        assert (copies_of(context), report_of(context)) == made
        names = [path.name for path in context.workspace.documents.glob("train/*-copies-*")]
        assert len(names) > 3
        shutil.rmtree(context.workspace.root)
        if not killed:
            break
    assert rename > 3 * _RENAMES


def test_a_way_without_any_copy_is_warned_about(tmp_path: Path) -> None:
    context = context_in(tmp_path, [{"keyboardTypos": {}}])
    for path in (tmp_path / "inputs").glob("*.jsonl"):
        path.write_text("".join(f'{{"text": "{n} चाय"}}\n' for n in range(9)))
    DATA_STAGE.work(context)
    (warning,) = warnings(report_of(context), {})
    assert warning.startswith("data.augment: keyboardTypos made no copy of")
    assert "(unchanged " in warning


def test_another_seed_makes_other_copies_of_the_same_documents(tmp_path: Path) -> None:
    found = []
    for seed in (1, 2):
        context = context_in(tmp_path, seed=seed)  # in the same workspace
        DATA_STAGE.work(context)
        copies = [row["text"] for row in copies_of(context)]
        train = documents_of(context.workspace, "train")
        found.append((copies, [text for text in train if text not in copies]))
    assert found[0][0] != found[1][0]
    assert found[0][1] == found[1][1]


def test_the_seed_is_nothing_to_documents_without_copies(tmp_path: Path) -> None:
    stamps = []
    for seed in (1, 2):
        context = context_in(tmp_path, None, seed)
        DATA_STAGE.work(context)
        stamps.append(context.workspace.data_report.stat().st_mtime_ns)
    assert stamps[0] == stamps[1]


def test_wordnet_that_is_missing_ends_the_stage_at_its_start(tmp_path: Path) -> None:
    context = context_in(tmp_path, [{"randomInsertion": {"wordnet": "nothing"}}])
    with pytest.raises(
        UserError, match=r"data\.augment\[0\]\.randomInsertion\.wordnet: .*wordnet-"
    ):
        DATA_STAGE.work(context)
    with pytest.raises(
        UserError, match=r"data\.augment\[0\]\.randomInsertion\.wordnet: .*wordnet-"
    ):
        preview(context.config, 5)


def test_a_preview_shows_copies(tmp_path: Path) -> None:
    found = preview(context_in(tmp_path).config, 40)
    swapped, replaced = found.report.augmentation
    assert swapped.chosen == replaced.chosen == found.report.train
    assert swapped.copies.documents > found.report.train.documents
    assert replaced.examples[0].after
