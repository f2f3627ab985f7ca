"""Near deduplication of a corpus: the same however it is shared out, and shown in the report."""

import json
import shutil
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from support.crashed_rename import KilledError, killed_before_rename
from support.stage_context import documents_of, stage_context

from llmtrain_api.data_report import DataReport
from llmtrain_trainer.data import shuffle
from llmtrain_trainer.data.near import rounds, sketches
from llmtrain_trainer.data.near.sketches import Sketches
from llmtrain_trainer.data.near.task import NearTask
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.evaluate.text import held_out_texts
from llmtrain_trainer.stage import StageContext

_WORDS = 80
_ORIGINALS = 12


def original(number: int) -> str:
    """A text that is like no other."""
    words = np.random.default_rng(number).integers(0, 1000, _WORDS)
    return " ".join([f"document{number}", *(f"word{word}" for word in words)])


def copy(number: int, version: int) -> str:
    """A text that is like an original."""
    *words, _ = original(number).split()
    return " ".join([*words, f"version{version}"])


def context_in(
    folder: Path, texts: list[list[str]], steps: list[dict[str, object]] | None = None
) -> StageContext:
    """A source for each list of texts."""
    (folder / "inputs").mkdir(exist_ok=True)
    for number, rows in enumerate(texts):
        path = folder / "inputs" / f"{number}.jsonl"
        if not path.exists():
            path.write_text("\n".join(json.dumps({"text": row}) for row in rows) + "\n")
    sources = [
        {"files": {"paths": [f"{number}.jsonl"], "format": "jsonl"}} for number in range(len(texts))
    ]
    data = {
        "sources": sources,
        "steps": [{"nearDedup": {}}] if steps is None else steps,
        "validationFraction": 0.2,
    }
    return stage_context("data", folder, data=data)


def kept_in(context: StageContext) -> list[str]:
    """All documents that stay."""
    sides = [documents_of(context.workspace, side) for side in ("train", "validation")]
    return [text for side in sides for text in side]


def report_of(context: StageContext) -> DataReport:
    """The data report."""
    return DataReport.model_validate_json(context.workspace.data_report.read_bytes())


def many() -> list[list[str]]:
    """Copies of some originals in another order, originals, more copies."""
    return [
        [copy(number, 1) for number in reversed(range(3, 9))],
        [original(number) for number in range(_ORIGINALS)],
        [copy(number, version) for number in range(6) for version in (2, 3)],
    ]


def test_the_first_of_a_cluster_stays_by_source_and_position(tmp_path: Path) -> None:
    context = context_in(tmp_path, many())
    DATA_STAGE.work(context)
    firsts = [copy(number, 1) for number in range(3, 9)]
    firsts += [original(number) for number in (0, 1, 2, 9, 10, 11)]
    assert sorted(kept_in(context)) == sorted(firsts)
    assert [source.dropped_by_rule for source in report_of(context).by_source] == [
        {},
        {"nearDedup nearRepeated": 6},
        {"nearDedup nearRepeated": 12},
    ]


@pytest.mark.slow
def test_a_corpus_is_the_same_in_any_number_of_units_and_partitions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [[text for rows in many() for text in rows]]
    made = []
    for unit_bytes, keys in ((2**24, 10**6), (6000, 100)):
        monkeypatch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", unit_bytes)
        monkeypatch.setattr(rounds, "PARTITION_KEYS", keys)
        context = context_in(tmp_path, texts)
        DATA_STAGE.work(context)
        made.append((kept_in(context), context.workspace.data_report.read_text()))
        num_files = len(list(context.workspace.documents.glob("*/*")))
        assert (num_files > 2) is (unit_bytes == 6000)
        shutil.rmtree(context.workspace.root)
    assert made[0] == made[1]


@pytest.mark.slow
def test_a_driver_that_is_killed_anywhere_goes_on_to_the_same_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = many()[:2]
    context = context_in(tmp_path, sources)
    sketched: list[int] = []
    made = sketches._sketch

    def counted(unit: int, task: NearTask, folder: Path) -> Sketches:
        sketched.append(unit)
        return made(unit, task, folder)

    monkeypatch.setattr(sketches, "_sketch", counted)
    DATA_STAGE.work(context)
    whole = kept_in(context), context.workspace.data_report.read_text()
    for rename in count(1 + len(sources)):  # all documents are clean
        shutil.rmtree(context.workspace.root)
        sketched.clear()
        try:
            with killed_before_rename(rename):
                DATA_STAGE.work(context)
        except KilledError:
            DATA_STAGE.work(context)
            assert (kept_in(context), context.workspace.data_report.read_text()) == whole
            assert len(sketched) <= len(sources) + 1
        else:
            break
    assert rename > 3 * len(sources) + 2


def test_documents_that_are_dropped_already_stand_for_no_others(tmp_path: Path) -> None:
    texts = [[original(1), original(2), original(1).upper(), copy(2, 1), copy(1, 1)]]
    context = context_in(tmp_path, texts, [{"exactDedup": {}}, {"nearDedup": {}}])
    DATA_STAGE.work(context)
    assert sorted(kept_in(context)) == sorted([original(1), original(2)])
    exact, near = report_of(context).steps
    assert exact.dropped_by_rule == {"repeated": 1}
    assert near.dropped_by_rule == {"nearRepeated": 2}
    assert near.clusters is not None
    assert [each.documents for each in near.clusters.largest] == [2, 2]


def test_steps_that_compare_work_on_what_those_before_keep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shuffle, "_PARTITION_DOCUMENTS", 3)
    texts = [[original(1), copy(1, 1), "!", "!", copy(1, 1), original(1), "", " "]]
    steps: list[dict[str, object]] = [
        {"nearDedup": {"minSimilarity": 0.99}},
        {"exactDedup": {}},
        {"nearDedup": {}},
    ]
    context = context_in(tmp_path, texts, steps)
    DATA_STAGE.work(context)
    assert sorted(kept_in(context)) == ["!", original(1)]
    rules = [(step.name, step.dropped_by_rule) for step in report_of(context).steps]
    assert rules == [
        ("nearDedup", {"nearRepeated": 3, "empty": 2}),
        ("exactDedup", {}),
        ("nearDedup-2", {"nearRepeated": 1}),
    ]


def test_the_report_shows_what_stays_in_the_place_of_what_was_dropped(tmp_path: Path) -> None:
    texts = [[original(1), original(2)], [copy(2, version) for version in range(4)]]
    context = context_in(tmp_path, texts)
    DATA_STAGE.work(context)
    (step,) = report_of(context).steps
    example = step.examples[0]
    assert example.rule == "nearRepeated"
    assert example.source == "1.jsonl"
    assert example.kept is not None
    assert example.kept.source == "0.jsonl"
    assert 0.9 < example.kept.similarity < 1
    # Both from the same place on, a little before they differ.
    assert example.excerpt.endswith("version0")
    assert original(2).endswith(example.kept.excerpt)
    assert example.excerpt.split()[1] == example.kept.excerpt.split()[1]
    assert step.clusters is not None
    sizes = [
        (each.smallest, each.largest, each.clusters, each.documents) for each in step.clusters.sizes
    ]
    assert sizes == [(2, 2, 0, 0), (3, 4, 0, 0), (5, 8, 1, 5)]
    (largest,) = step.clusters.largest
    assert (largest.documents, largest.source) == (5, "0.jsonl")
    assert original(2).startswith(largest.excerpt)
    assert len(largest.others) == 3


@pytest.mark.parametrize("texts", [[["one", "two", "three"]], [["", original(1), "\u0f0b", "!"]]])
def test_a_corpus_without_duplicates_stays_as_it_is(tmp_path: Path, texts: list[list[str]]) -> None:
    context = context_in(tmp_path, texts)
    DATA_STAGE.work(context)
    assert sorted(kept_in(context)) == sorted(text for text in texts[0] if text)
    (step,) = report_of(context).steps
    assert step.clusters is not None
    assert not step.clusters.sizes
    assert not step.clusters.largest


def test_text_to_measure_on_of_an_evaluation_is_deduplicated_in_the_same_way(
    tmp_path: Path,
) -> None:
    texts = [["", *(text for rows in many() for text in rows), original(0), " "]]
    steps: list[dict[str, object]] = [{"exactDedup": {}}, {"nearDedup": {}}]
    context = context_in(tmp_path, texts, steps)
    DATA_STAGE.work(context)
    assert context.config.data is not None
    data = context.config.data.model_dump(mode="json", exclude_none=True)
    evaluation = stage_context("evaluate", tmp_path, evaluate={"data": data})
    measured = held_out_texts(evaluation)
    assert len(measured) == _ORIGINALS
    assert sorted(measured) == sorted(kept_in(context))
