"""A corpus chosen by scores: the same however it is shared out, and shown in the report."""

import json
import math
import shutil
from itertools import count
from pathlib import Path

import pytest
from support.crashed_rename import KilledError, killed_before_rename
from support.stage_context import documents_of, stage_context
from support.tiny_classifiers import fast_text_file

from llmtrain_api.data_report import DataReport, StepReport
from llmtrain_trainer.data.preview import preview
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.text import held_out_texts
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.stage import StageContext

_WORDS = 20


def document(number: int, good: int) -> str:
    """A text with some good words, the others bad."""
    return " ".join([f"number{number}", *["good"] * good, *["bad"] * (_WORDS - good)])


def scored(good: int) -> float:
    """The score of a text with some good words, but for the word that is not known."""
    share = math.exp(4 * good / _WORDS)
    return share / (share + math.exp(4 * (1 - good / _WORDS)))


def context_in(
    folder: Path, sources: list[list[str]], section: dict[str, object], *before: dict[str, object]
) -> StageContext:
    """A source for each list of texts."""
    inputs = folder / "inputs"
    inputs.mkdir(exist_ok=True)
    if not (inputs / "quality.bin").exists():
        words = {"good": (4.0, 0.0), "bad": (0.0, 4.0)}
        fast_text_file(inputs / "quality.bin", words, ("hq", "cc"))
    listed = []
    for number, texts in enumerate(sources):
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        (inputs / f"{number}.jsonl").write_text(lines)
        listed.append({"files": {"paths": [f"{number}.jsonl"], "format": "jsonl"}})
    classifier = {"model": "quality.bin", "label": "hq", **section}
    steps = [*before, {"classifier": classifier}]
    data = {"sources": listed, "steps": steps, "validationFraction": 0.2}
    return stage_context("data", folder, data=data)


def made_in(context: StageContext) -> tuple[list[str], str]:
    """The corpus that the stage makes, and its report."""
    DATA_STAGE.work(context)
    sides = [documents_of(context.workspace, side) for side in ("train", "validation")]
    return [text for side in sides for text in side], context.workspace.data_report.read_text()


def step_of(context: StageContext) -> StepReport:
    """The report on the last step."""
    return DataReport.model_validate_json(context.workspace.data_report.read_bytes()).steps[-1]


def many() -> list[list[str]]:
    """Two sources, the second of which has the better documents."""
    return [
        [document(number, 3 * number % 11) for number in range(30)],
        [document(number, 10 + 7 * number % 11) for number in range(30, 75)],
    ]


def test_the_best_of_each_source_stay(tmp_path: Path) -> None:
    sources = many()
    context = context_in(tmp_path, sources, {"keepTop": 0.1})
    kept, _ = made_in(context)
    best = [
        text
        for texts in sources
        for text in sorted(texts, key=lambda text: -text.count("good"))[
            : math.ceil(len(texts) / 10)
        ]
    ]
    assert sorted(kept) == sorted(best)
    assert step_of(context).dropped_by_rule == {"keepTop": 75 - len(best)}
    # As many as the manifest says: nothing to warn of.
    assert isinstance(context.progress, ProgressTracker)
    assert not context.progress.report.warnings


def test_bounds_drop_and_the_report_shows_the_scores(tmp_path: Path) -> None:
    texts = [document(0, 20), document(1, 0), "", document(2, 11), "nothing known", document(3, 20)]
    section: dict[str, object] = {"min": 0.5}
    kept, _ = made_in(context_in(tmp_path, [texts], section, {"exactDedup": {}}))
    context = context_in(tmp_path, [texts], section)
    assert made_in(context)[0] == kept
    assert sorted(kept) == [document(0, 20), document(2, 11), document(3, 20)]
    step = step_of(context)
    assert step.dropped_by_rule == {"min": 1, "empty": 1, "noScore": 1}
    lowest, middle, highest = step.scores.bins
    assert [each.count for each in step.scores.bins] == [1, 1, 2]
    assert lowest.lower <= scored(0) < lowest.upper
    assert middle.lower <= scored(11) < middle.upper
    assert highest.lower <= scored(20) < highest.upper
    assert step.scored[-1].score == pytest.approx(scored(20), abs=1e-3)
    assert (step.scored[-1].source, step.scored[-1].excerpt) == ("0.jsonl", document(0, 20)[:120])
    shown = preview(context.config, 100)
    assert shown.report.steps[-1].scores == step.scores
    assert shown.reasons["classifier min"] == "a score below 0.5"


def test_without_a_threshold_all_stay_and_the_scores_are_shown(tmp_path: Path) -> None:
    context = context_in(tmp_path, many(), {})
    assert len(made_in(context)[0]) == 75
    assert step_of(context).scores.count == 75


def test_another_model_makes_the_documents_again(tmp_path: Path) -> None:
    context = context_in(tmp_path, many(), {"min": 0.5})
    kept, _ = made_in(context)
    path = tmp_path / "inputs" / "quality.bin"
    fast_text_file(path, {"good": (0.0, 4.0), "bad": (4.0, 0.0)}, ("hq", "cc"))
    assert {*made_in(context)[0]} & {*kept} <= {text for text in kept if text.count("good") == 10}
    path.unlink()
    with pytest.raises(UserError, match=r"classifier\.model quality\.bin: no such file"):
        DATA_STAGE.work(context)


@pytest.mark.slow
def test_a_corpus_is_the_same_in_any_number_of_units(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for unit_bytes in (2**24, 700):
        monkeypatch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", unit_bytes)
        context = context_in(tmp_path, many(), {"keepTop": 0.3, "max": 0.9}, {"exactDedup": {}})
        made.append(made_in(context))
        num_files = len(list(context.workspace.documents.glob("*/*.parquet")))
        assert (num_files > 4) is (unit_bytes == 700)
        shutil.rmtree(context.workspace.root)
    assert made[0] == made[1]


@pytest.mark.slow
def test_a_driver_that_is_killed_anywhere_goes_on_to_the_same_corpus(tmp_path: Path) -> None:
    sources = many()
    context = context_in(tmp_path, sources, {"keepTop": 0.3})
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
    assert rename > 2 * len(sources) + 2


def test_text_to_measure_on_of_an_evaluation_is_chosen_in_the_same_way(tmp_path: Path) -> None:
    context = context_in(tmp_path, many(), {"keepTop": 0.2})
    kept, _ = made_in(context)
    assert context.config.data is not None
    data = context.config.data.model_dump(mode="json", exclude_none=True)
    measured = held_out_texts(stage_context("evaluate", tmp_path, evaluate={"data": data}))
    assert sorted(measured) == sorted(kept)
