"""The corpus is the same however it is shared out, and wherever its driver was killed."""

import hashlib
import json
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.crashed_rename import KilledError, killed_before_rename
from support.stage_context import documents_of, stage_context
from support.text_shard import TextShard

from llmtrain_api.data_report import DataReport, GroupReport
from llmtrain_api.spec.data import Data
from llmtrain_trainer.data import cleaning, shuffle
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.data.sources.shards import SourceShard
from llmtrain_trainer.data.units import CorpusUnit, corpus_units
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.stage import StageContext

_FILES = 4
_IN_A_FILE = 30


@pytest.fixture(autouse=True)
def a_unit_for_each_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", 600)


def context_in(folder: Path, fraction: float = 0.1, kind: str = "jsonl") -> StageContext:
    """Four files; a third of the documents of each came in a file before."""
    (folder / "inputs").mkdir(exist_ok=True)
    for file in range(_FILES):
        numbers = range(file * 20, file * 20 + _IN_A_FILE)
        rows = [{"text": f"The text of number {number}"} for number in numbers]
        path = folder / "inputs" / f"{file}.{kind}"
        if path.exists():  # a file that is written again is another input
            continue
        if kind == "jsonl":
            path.write_text("\n".join(map(json.dumps, rows)))
        else:
            pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=8)
    sources = [{"files": {"paths": [f"*.{kind}"], "format": kind}}]
    steps = [{"unicode": {}}, {"length": {"minWords": 2}}, {"exactDedup": {}}]
    data = {"sources": sources, "steps": steps, "validationFraction": fraction}
    return stage_context("data", folder, data=data)


def digests(context: StageContext) -> dict[str, str]:
    """SHA-256 of every file of the workspace."""
    root = context.workspace.root
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def counted_cleaning(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the units that are cleaned from now on."""
    cleaned: list[str] = []
    clean = cleaning._clean

    def counted(unit: CorpusUnit, data: Data, _: None, folder: Path) -> cleaning.CleanUnit:
        cleaned.append(unit.name)
        return clean(unit, data, None, folder)

    monkeypatch.setattr(cleaning, "_clean", counted)
    return cleaned


def test_the_first_of_equal_documents_stays_in_any_number_of_partitions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for documents in (1_000_000, 50, 7):
        monkeypatch.setattr(shuffle, "_PARTITION_DOCUMENTS", documents)
        context = context_in(tmp_path)
        DATA_STAGE.work(context)
        made.append(digests(context))
        shutil.rmtree(context.workspace.root)
    assert made[0] == made[1] == made[2]
    assert not any(name.startswith("units") for name in made[0])
    DATA_STAGE.work(context)
    assert not (context.workspace.root / "units").exists()
    kept = [*documents_of(context.workspace, "train")]
    assert kept == sorted(kept, key=lambda text: int(text.split()[-1]))
    report = DataReport.model_validate_json(context.workspace.data_report.read_bytes())
    assert report.steps[-1].dropped_by_rule == {"repeated": 10 * (_FILES - 1)}
    assert [source.dropped_by_rule for source in report.by_source] == [
        {"exactDedup repeated": 10 * (_FILES - 1)}
    ]
    assert report.train.documents + report.validation.documents == 20 * _FILES + 10


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_corpus_is_the_same_in_one_unit_and_with_files_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    context = context_in(tmp_path, kind=kind)
    made = []
    for size in (300, 2**20):
        monkeypatch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", size)
        DATA_STAGE.work(context)
        sides = [documents_of(context.workspace, side) for side in ("train", "validation")]
        made.append((sides, context.workspace.data_report.read_text()))
        num_files = len(list(context.workspace.documents.glob("train/*")))
        assert num_files > _FILES if size == 300 else num_files == 1
        shutil.rmtree(context.workspace.root)
    assert made[0] == made[1]


@pytest.mark.parametrize("fraction", [1e-9, 0.1])
def test_a_driver_that_is_killed_anywhere_goes_on_to_the_same_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fraction: float
) -> None:
    context = context_in(tmp_path, fraction)
    cleaned = counted_cleaning(monkeypatch)
    DATA_STAGE.work(context)
    whole = digests(context)
    assert all(documents_of(context.workspace, side) for side in ("train", "validation"))
    for rename in count(1):
        shutil.rmtree(context.workspace.root)
        cleaned.clear()
        try:
            with killed_before_rename(rename):
                DATA_STAGE.work(context)
        except KilledError:
            DATA_STAGE.work(context)
            assert digests(context) == whole
            assert len(cleaned) <= _FILES + 1
        else:
            break
    assert rename > 3 * _FILES


def test_a_stage_does_not_go_on_with_units_of_other_software(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_in(tmp_path)
    cleaned = counted_cleaning(monkeypatch)
    with suppress(KilledError), killed_before_rename(_FILES + 1):  # all are cleaned
        DATA_STAGE.work(context)
    monkeypatch.setattr("llmtrain_trainer.software.version", lambda name: f"newer {name}")
    DATA_STAGE.work(context)
    assert len(cleaned) == 2 * _FILES


def test_units_follow_from_the_sizes_of_the_shards() -> None:
    def shards(*sizes: int, source: int = 0) -> list[SourceShard]:
        return [SourceShard(TextShard((), size=size), source) for size in sizes]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", 10)
        units = corpus_units([*shards(4, 5, 1, 30, 2), *shards(3, source=1), *shards(9, source=2)])
    assert [(unit.source, [shard.size for shard in unit.shards]) for unit in units] == [
        (0, [4, 5, 1]),
        (0, [30]),
        (0, [2]),
        (1, [3]),
        (2, [9]),
    ]
    assert [unit.name for unit in units] == ["000000", "000001", "000002", "000003", "000004"]


def test_the_report_shows_sources_and_lengths_before_and_after_the_steps(tmp_path: Path) -> None:
    context = context_in(tmp_path)
    DATA_STAGE.work(context)
    report = DataReport.model_validate_json(context.workspace.data_report.read_bytes())
    (source,) = report.by_source
    assert source.received.documents == source.lengths.count == _FILES * _IN_A_FILE
    assert source.kept == report.train + report.validation
    assert source.kept.documents == report.kept_lengths.count == 90
    assert [(each.lower, each.upper) for each in source.lengths.bins] == [(16, 32)]
    assert source.scripts == {"Latin": GroupReport(received=120, passed=120, kept=90)}


def test_what_is_kept_of_a_language_is_counted_after_texts_were_written_again(
    tmp_path: Path,
) -> None:
    (tmp_path / "inputs").mkdir()
    english = "The weather is fine today, and we are going to walk in the park with our friends."
    german = "Das Wetter ist heute schön, und wir gehen mit unseren Freunden im Park spazieren."
    menu = "Home, news, sport, weather and all of the other pages of this paper"
    texts = [f"{menu}\n{english}", f"{menu}\n{german}", english, german, german.upper()]
    lines = "\n".join(json.dumps({"text": text}) for text in texts)
    (tmp_path / "inputs" / "a.jsonl").write_text(lines)
    steps = [{"language": {}}, {"lineDedup": {"minDocumentWords": 1}}, {"exactDedup": {}}]
    sources = [{"files": {"paths": ["a.jsonl"], "format": "jsonl"}}]
    context = stage_context("data", tmp_path, data={"sources": sources, "steps": steps})
    DATA_STAGE.work(context)
    report = DataReport.model_validate_json(context.workspace.data_report.read_bytes())
    (source,) = report.by_source
    assert source.kept.documents < len(texts)
    for groups in (source.labels["language"], source.scripts):
        assert sum(group.kept for group in groups.values()) == source.kept.documents
        assert sum(group.passed for group in groups.values()) == len(texts)


def test_the_counts_are_metrics(tmp_path: Path) -> None:
    context = context_in(tmp_path)
    DATA_STAGE.work(context)
    assert isinstance(context.progress, ProgressTracker)
    scalars = context.progress.report.scalars
    assert scalars["documents/read"] == _FILES * _IN_A_FILE
    assert scalars["documents/dropped/exactDedup"] == 30
    assert scalars["documents/kept"] == 90
