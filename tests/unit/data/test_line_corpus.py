"""Repeated lines of a corpus: the same however it is shared out, and shown in the report."""

import json
import shutil
from itertools import count
from pathlib import Path

import pytest
from support.crashed_rename import KilledError, killed_before_rename
from support.stage_context import documents_of, stage_context

from llmtrain_api.data_report import DataReport, StepReport
from llmtrain_trainer.data.lines import hashing, rounds
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.evaluate.text import held_out_texts
from llmtrain_trainer.stage import StageContext

_MENU = "Home and news and all that we have to say"
_NOTICE = "You may leave at any time, and nobody will ask you why."
_LINE_DEDUP: dict[str, object] = {"lineDedup": {"minDocumentWords": 8}}


def own(number: int) -> str:
    """A line that no other document has."""
    return f"The words of document {number} are its own, and nobody else has said {number} before."


def pages(numbers: range) -> list[str]:
    """Documents with lines in common."""
    return [
        "\n".join(
            [_MENU, own(number), *([own(number // 3)] if number % 3 else []), "}", _NOTICE.upper()]
        )
        for number in numbers
    ]


def context_in(
    folder: Path, sources: list[list[str]], steps: list[dict[str, object]]
) -> StageContext:
    """A source for each list of texts."""
    (folder / "inputs").mkdir(exist_ok=True)
    listed = []
    for number, texts in enumerate(sources):
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        (folder / "inputs" / f"{number}.jsonl").write_text(lines)
        listed.append({"files": {"paths": [f"{number}.jsonl"], "format": "jsonl"}})
    data = {"sources": listed, "steps": steps, "validationFraction": 0.2}
    return stage_context("data", folder, data=data)


def made_in(context: StageContext) -> tuple[list[str], list[str], str]:
    """The corpus that the stage makes."""
    DATA_STAGE.work(context)
    train, validation = (documents_of(context.workspace, side) for side in ("train", "validation"))
    return train, validation, context.workspace.data_report.read_text()


def steps_of(context: StageContext) -> tuple[StepReport, ...]:
    """The reports on the steps."""
    return DataReport.model_validate_json(context.workspace.data_report.read_bytes()).steps


def test_later_steps_and_the_split_take_what_is_left(tmp_path: Path) -> None:
    sources = [
        [f"{_MENU}\n{own(1)}\n{_NOTICE}", own(2)],
        [f"{_MENU}\n{own(2)}", f"{own(3)}\n{_NOTICE}", own(3), f"{_MENU}\n{own(4)}", own(2)],
    ]
    steps: list[dict[str, object]] = [{"exactDedup": {}}, _LINE_DEDUP, {"exactDedup": {}}]
    context = context_in(tmp_path, sources, steps)
    train, validation, _ = made_in(context)
    left = [f"{_MENU}\n{own(1)}\n{_NOTICE}", own(2), own(3), own(4)]
    assert sorted(train + validation) == sorted(left)
    exact, lines, again = steps_of(context)
    assert (exact.received.documents, exact.dropped_by_rule) == (7, {"repeated": 1})
    # Two documents had nothing that did not come before.
    assert (lines.received.documents, lines.dropped_by_rule) == (6, {"empty": 2})
    assert (lines.changed_documents, lines.kept.documents) == (2, 4)
    assert lines.received == exact.kept
    removed = [_MENU, own(2), _NOTICE, own(3), _MENU]
    assert lines.lines is not None
    assert lines.lines.lines == len(removed)
    assert lines.lines.bytes == sum(map(len, removed))
    (most, *others) = lines.lines.most_frequent
    assert (most.documents, most.source, most.excerpt) == (3, "0.jsonl", _MENU)
    assert [(each.documents, each.excerpt) for each in others] == [
        (2, _NOTICE),
        (2, own(2)),
        (2, own(3)),
    ]
    assert lines.examples[0].rule == "empty"
    assert (again.received, again.dropped_by_rule) == (lines.kept, {})


def test_a_document_that_was_dropped_before_keeps_no_line(tmp_path: Path) -> None:
    lines = [own(number) for number in range(10)]
    texts = ["\n".join(lines), "\n".join([*lines, _NOTICE]), f"{_NOTICE}\n{own(11)}"]
    context = context_in(tmp_path, [texts], [{"nearDedup": {}}, _LINE_DEDUP])
    train, validation, _ = made_in(context)
    assert sorted(train + validation) == sorted([texts[0], texts[2]])
    near, found = steps_of(context)
    assert near.dropped_by_rule == {"nearRepeated": 1}
    assert near.clusters is not None
    assert found.lines is not None
    assert found.lines.lines == 0


@pytest.mark.slow
def test_a_corpus_is_the_same_in_any_number_of_units_partitions_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for unit_bytes, lines in ((2**24, 10**6), (1500, 7)):
        monkeypatch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", unit_bytes)
        monkeypatch.setattr(rounds, "PARTITION_LINES", lines)
        monkeypatch.setattr(hashing, "_RUN_LINES", lines)
        context = context_in(tmp_path, [pages(range(60))], [_LINE_DEDUP, {"exactDedup": {}}])
        made.append(made_in(context))
        num_files = len(list(context.workspace.documents.glob("*/*.parquet")))
        assert (num_files > 2) is (unit_bytes == 1500)
        shutil.rmtree(context.workspace.root)
    assert made[0] == made[1]
    assert 0 < len(made[0][0] + made[0][1]) <= 60


@pytest.mark.slow
def test_a_driver_that_is_killed_anywhere_goes_on_to_the_same_corpus(tmp_path: Path) -> None:
    sources = [pages(range(4)), pages(range(3, 7))]
    context = context_in(tmp_path, sources, [_LINE_DEDUP])
    whole = made_in(context)
    for rename in count(1 + len(sources)):  # all documents are clean
        shutil.rmtree(context.workspace.root)
        try:
            with killed_before_rename(rename):
                DATA_STAGE.work(context)
        except KilledError:
            assert made_in(context) == whole
        else:
            break
    assert rename > 4 * len(sources) + 2


def test_text_to_measure_on_of_an_evaluation_is_deduplicated_in_the_same_way(
    tmp_path: Path,
) -> None:
    context = context_in(tmp_path, [pages(range(12))], [_LINE_DEDUP])
    train, validation, _ = made_in(context)
    assert context.config.data is not None
    data = context.config.data.model_dump(mode="json", exclude_none=True)
    measured = held_out_texts(stage_context("evaluate", tmp_path, evaluate={"data": data}))
    assert sorted(measured) == sorted(train + validation)
