"""Losses of the data stage are counted by source, and large ones reported."""

import json
from pathlib import Path

from support.stage_context import stage_context

from llmtrain_api.data_report import (
    Cluster,
    Clusters,
    DataReport,
    GroupReport,
    Size,
    StepReport,
)
from llmtrain_api.spec.data import Data
from llmtrain_api.stages import Stage
from llmtrain_trainer.data.corpus import CorpusMaker
from llmtrain_trainer.data.sources.shards import shards
from llmtrain_trainer.data.steps.registry import reasons
from llmtrain_trainer.data.units import corpus_units
from llmtrain_trainer.data.warnings import warnings
from llmtrain_trainer.units import sweep

SENTENCE = "The words of document {} have to be read with care, and that is the end of it."
CHINESE = "今天天气很好我们一起去公园散步他们在学校里学习语言和数学第{}天"


def steps(min_words: int) -> list[dict[str, object]]:
    """The default steps, with another smallest number of words."""
    return [{"html": {}}, {"unicode": {}}, {"gopher": {"minWords": min_words}}, {"exactDedup": {}}]


def report_of(
    folder: Path,
    sources: list[dict[str, object]],
    min_words: int = 5,
    listed: list[dict[str, object]] | None = None,
) -> tuple[DataReport, list[str]]:
    """The report on documents that the data stage would make, and its warnings."""
    settings = {"steps": listed or steps(min_words), "sources": sources}
    context = stage_context("data", folder, data=settings)
    data = Data.model_validate(settings)
    units = corpus_units(shards(data.sources, context))
    home = sweep(context.workspace.units(Stage.DATA), "these")
    (folder / "documents").mkdir()
    report, _ = CorpusMaker(units, data, home, context).make(folder / "documents")
    return report, list(warnings(report, reasons(data.steps)))


def jsonl(folder: Path, name: str, texts: list[object]) -> dict[str, object]:
    """A source of one file with these texts."""
    (folder / "inputs").mkdir(exist_ok=True)
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    (folder / "inputs" / name).write_text(lines)
    return {"files": {"paths": [name], "format": "jsonl"}}


def test_good_documents_give_no_warning(tmp_path: Path) -> None:
    texts: list[object] = [SENTENCE.format(number) for number in range(20)]
    chinese: list[object] = [CHINESE.format(number) for number in range(20)]
    report, found = report_of(tmp_path, [jsonl(tmp_path, "a.jsonl", [*texts, *chinese, texts[0]])])
    assert found == []
    (source,) = report.by_source
    assert (source.name, source.received.documents) == ("files a.jsonl (jsonl)", 41)
    assert source.scripts == {
        "Latin": GroupReport(received=21, passed=21, kept=20),
        "Cjk": GroupReport(received=20, passed=20, kept=20),
    }
    assert source.dropped_by_rule == {"exactDedup repeated": 1}


def test_a_rule_that_drops_most_of_a_source_is_reported_with_its_reason(tmp_path: Path) -> None:
    good = jsonl(tmp_path, "good.jsonl", [SENTENCE.format(number) for number in range(20)])
    short = jsonl(tmp_path, "short.jsonl", [SENTENCE.format(1), *["too short"] * 5])
    gone = jsonl(tmp_path, "gone.jsonl", ["too short", *["colorless green ideas sleep today"] * 2])
    _, found = report_of(tmp_path, [good, short, gone])
    assert found == [
        (
            "files short.jsonl (jsonl): 5 of 6 documents were dropped, by gopher minWords 5 "
            "(fewer than 5 words)"
        ),
        (
            "files gone.jsonl (jsonl): 3 of 3 documents were dropped, by gopher stopWords "
            "2 (fewer than 2 of the words that every text of its language has, such as `the` and "
            "`of`); gopher minWords 1 (fewer than 5 words)"
        ),
    ]


def test_a_cluster_of_a_large_share_of_all_documents_is_reported() -> None:
    def found(size: int) -> list[str]:
        clusters = Clusters(largest=(Cluster(documents=size, source="a", excerpt="b"),))
        received = Size(documents=100)
        step = StepReport(name="nearDedup", received=received, clusters=clusters)
        report = DataReport(sources={}, steps=(step,), train=received, validation=Size())
        return [*warnings(report, {})]

    assert found(20) == []
    (warning,) = found(21)
    assert warning.startswith("nearDedup: 21 of 100 documents are one cluster")


def test_repetitions_are_no_loss(tmp_path: Path) -> None:
    texts: list[object] = [f"{SENTENCE.format(1) * 20} number {number}" for number in range(9)]
    copies = jsonl(tmp_path, "a.jsonl", [*texts, texts[0]])
    listed: list[dict[str, object]] = [{"exactDedup": {}}, {"nearDedup": {}}]
    report, found = report_of(tmp_path, [copies], listed=listed)
    (source,) = report.by_source
    assert source.dropped_by_rule == {"exactDedup repeated": 1, "nearDedup nearRepeated": 8}
    assert found == []


def test_a_lost_script_is_reported(tmp_path: Path) -> None:
    chinese = [CHINESE.format(number) for number in range(12)]
    texts: list[object] = [SENTENCE.format(number) * 4 for number in range(20)] + chinese
    source = jsonl(tmp_path, "a.jsonl", texts)
    _, found = report_of(tmp_path, [source], min_words=50)
    assert found == [
        (
            "files a.jsonl (jsonl): 12 of 12 documents in the script Cjk were dropped; the "
            "examples in the data report show some"
        )
    ]


def test_skipped_rows_and_empty_sources_are_reported(tmp_path: Path) -> None:
    source = jsonl(tmp_path, "a.jsonl", [SENTENCE.format(1), None, SENTENCE.format(2), 3])
    source["files"] = {"paths": ["a.jsonl"], "format": "jsonl", "maxBadRows": 2}
    report, found = report_of(tmp_path, [source, jsonl(tmp_path, "empty.jsonl", [])])
    assert report.by_source[0].bad_rows == 2
    first, second = found
    assert first.startswith("files a.jsonl (jsonl): 2 rows hold no text and were skipped: ")
    assert first.endswith("a.jsonl: line 2: field 'text' must be a string; found None")
    assert second == "files empty.jsonl (jsonl): it holds no documents"


def test_texts_taken_for_html_are_reported_unless_their_format_says_so(
    tmp_path: Path,
) -> None:
    page = f"<html><body><p>{SENTENCE}</p></body></html>"
    source = jsonl(tmp_path, "a.jsonl", [SENTENCE.format(1), page.format(2)])
    (tmp_path / "inputs" / "a.html").write_text(page.format(3))
    pages = {"files": {"paths": ["a.html"], "format": "html"}}
    report, found = report_of(tmp_path, [source, pages])
    assert [source.changed_by_step for source in report.by_source] == [{"html": 1}] * 2
    (warning,) = found
    assert "the step html took 1 of 2 documents for HTML and kept their text alone" in warning
