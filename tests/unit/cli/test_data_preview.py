"""`llmtrain data preview` shows what the steps do, and starts nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from support.local_run import small_spec

from llmtrain_api.data_report import (
    AugmentationReport,
    Cluster,
    Clusters,
    ClusterSizes,
    DataPreview,
    DataReport,
    Example,
    GroupReport,
    IdentityReport,
    IdentityTerm,
    Kept,
    Misspelling,
    Misspellings,
    RepeatedLine,
    RepeatedLines,
    ScoredExample,
    Size,
    Skipped,
    SourceReport,
    StepReport,
)
from llmtrain_api.histogram import Histogram
from llmtrain_cli.preview_view import preview_view

LLMTRAIN = str(Path(sys.executable).with_name("llmtrain"))


def manifest(folder: Path, spec: dict[str, object]) -> Path:
    job = {
        "apiVersion": "llmtrain.io/v1alpha1",
        "kind": "LLMTrainingJob",
        "metadata": {"name": "small"},
        "spec": spec,
    }
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(job))
    return path


def preview_of(path: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [LLMTRAIN, "data", "preview", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_preview_leaves_nothing_behind(tmp_path: Path) -> None:
    texts = ["too short", *(f"This is the text of number {number}." for number in range(20))]
    lines = [json.dumps({"text": text}) for text in texts]
    (tmp_path / "notes.jsonl").write_text("\n".join(lines))
    data = {
        "sources": [{"files": {"paths": ["notes.jsonl"], "format": "jsonl"}}],
        "steps": [{"gopher": {"minWords": 3}}],
    }
    path = manifest(tmp_path, {**small_spec(), "data": data})
    done = preview_of(path, "--documents", "10", "-o", "json")
    assert done.returncode == 0, done.stderr
    report = DataPreview.model_validate_json(done.stdout).report
    assert report.steps[0].received.documents == 10
    assert report.steps[0].dropped_by_rule == {"minWords": 1}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["job.yaml", "notes.jsonl"]

    (tmp_path / "notes.jsonl").unlink()
    failed = preview_of(path)
    assert failed.returncode == 2
    assert "notes.jsonl: no such file" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_job_without_documents_has_none_to_look_at(tmp_path: Path) -> None:
    sections = ("compute", "finetune")
    spec = {key: each for key, each in small_spec().items() if key in sections}
    path = manifest(tmp_path, {**spec, "model": {"initFrom": "model"}})
    done = preview_of(path)
    assert done.returncode == 2
    assert "job.yaml: spec.data: missing" in done.stderr


def test_the_funnel_and_the_examples_are_shown() -> None:
    dropped = Example(source="a.jsonl", rule="minWords", excerpt="[bold]short\x07\n")
    changed = Example(source="b.jsonl", rule="changed", excerpt="one\r\n", after="one")
    step = StepReport(
        name="gopher",
        received=Size(documents=2000, bytes=9000),
        kept=Size(documents=1200, bytes=8000),
        dropped=Size(documents=800, bytes=1000),
        changed_documents=7,
        dropped_by_rule={"minWords": 800},
        examples=(dropped, changed),
    )
    source = SourceReport(name="files *.jsonl (jsonl)", received=Size(documents=2000, bytes=9000))
    report = DataReport(
        sources={},
        by_source=(source,),
        steps=(step,),
        train=Size(documents=1200, bytes=8000),
        validation=Size(),
        augmentation=(
            AugmentationReport(
                name="randomSwap",
                chosen=Size(documents=1190, bytes=7900),
                copies=Size(documents=1180, bytes=7800),
                left_by_rule={"unchanged": 10},
                examples=(Example(source="a", rule="changed", excerpt="a b", after="b a"),),
            ),
        ),
    )
    preview = DataPreview(report=report, reasons={"gopher minWords": "fewer than 3 words"})
    console = Console(width=100)
    with console.capture() as shown:
        console.print(preview_view(preview, name="small"))
    text = shown.get()
    assert "1,200 of 2,000 documents stay (60.0%), 8,000 of 9,000 bytes." in text
    (rule,) = (line for line in text.splitlines() if line.strip().startswith("minWords"))
    assert rule.rstrip().split(maxsplit=2)[1:] == ["800", "fewer than 3 words"]
    assert "gopher: dropped by minWords" in text
    assert "- [bold]short\\x07↵" in text
    assert "- one\\r↵" in text
    assert "+ one" in text
    (way,) = (line for line in text.splitlines() if line.strip().startswith("randomSwap "))
    assert way.split() == ["randomSwap", "1,190", "1,180", "7,800", "unchanged", "10"]
    assert "+ b a" in text


def test_documents_that_are_alike_are_shown_beside_the_one_that_stays() -> None:
    kept = Kept(source="b.jsonl", excerpt="fifth of\nMay", similarity=0.923)
    example = Example(source="a.jsonl", rule="nearRepeated", excerpt="sixth of May", kept=kept)
    sizes = (
        ClusterSizes(smallest=2, largest=2, clusters=30, documents=60),
        ClusterSizes(smallest=1025, largest=2048, clusters=1, documents=1765),
    )
    large = Cluster(documents=1765, source="c.jsonl", excerpt="a form", others=("the form",))
    step = StepReport(
        name="nearDedup", examples=(example,), clusters=Clusters(sizes=sizes, largest=(large,))
    )
    report = DataReport(sources={}, steps=(step,), train=Size(), validation=Size())
    console = Console(width=100)
    with console.capture() as shown:
        console.print(preview_view(DataPreview(report=report, reasons={}), name="small"))
    lines = [" ".join(line.split()) for line in shown.get().splitlines()]
    assert lines[lines.index("- sixth of May") + 1 :][:2] == [
        "= fifth of↵May",
        "stays, from b.jsonl; similarity 0.92",
    ]
    assert "2 30 60" in lines
    assert "1,025 to 2,048 1 1,765" in lines
    assert lines[lines.index("1,765 documents; the first stays, from c.jsonl") + 1 :][:2] == [
        "= a form",
        "- the form",
    ]


def test_repeated_lines_are_shown_with_their_frequency() -> None:
    line = RepeatedLine(documents=1618, source="b.jsonl", excerpt="Home\tNews")
    lines = RepeatedLines(lines=6180, bytes=33_988, most_frequent=(line,))
    step = StepReport(name="lineDedup", lines=lines)
    report = DataReport(sources={}, steps=(step,), train=Size(), validation=Size())
    console = Console(width=100)
    with console.capture() as shown:
        console.print(preview_view(DataPreview(report=report, reasons={}), name="small"))
    text = " ".join(shown.get().split())
    assert "6,180 were taken out, 33,988 bytes" in text
    assert "in 1,618 documents; the first keeps it, from b.jsonl - Home→News" in text


def test_scores_are_shown_with_an_example_of_each_range() -> None:
    step = StepReport(
        name="classifier",
        scores=Histogram.even([*[-1.5] * 1214, 0.25], 0.5),
        scored=(ScoredExample(score=-1.5, source="a.jsonl", excerpt="Buy\nnow"),),
    )
    report = DataReport(sources={}, steps=(step,), train=Size(), validation=Size())
    console = Console(width=100)
    with console.capture() as shown:
        console.print(preview_view(DataPreview(report=report, reasons={}), name="small"))
    lines = [" ".join(line.split()) for line in shown.get().splitlines()]
    assert lines[lines.index("classifier: scores") + 1 :] == [
        "score documents",
        "-1.5 to -1 1,214",
        "0 to 0.5 1",
        "-1.5, from a.jsonl",
        "Buy↵now",
    ]


def test_misspelled_words_are_shown_with_the_right_ones() -> None:
    word = Misspelling(word="recieve", correct="receive", occurrences=1605)
    found = Misspellings(words=271, occurrences=8281, corrected=True, most_frequent=(word,))
    step = StepReport(name="spelling", misspellings=found)
    report = DataReport(sources={}, steps=(step,), train=Size(), validation=Size())
    console = Console(width=100)
    with console.capture() as shown:
        console.print(preview_view(DataPreview(report=report, reasons={}), name="small"))
    lines = [" ".join(line.split()) for line in shown.get().splitlines()]
    assert lines[lines.index("spelling: corrected words") + 1 :] == [
        "271 words, 8,281 times in all",
        "word times correct",
        "recieve 1,605 receive",
    ]


def test_groups_of_people_are_shown_beside_all_sentences() -> None:
    women = IdentityTerm(kind="gender", group="women", sentences=1810, negative_sentences=181)
    identity = IdentityReport(
        documents=9, sentences=31_415, negative_sentences=926, terms=(women,), pronouns={"he": 1732}
    )
    report = DataReport(sources={}, steps=(), identity=identity, train=Size(), validation=Size())
    console = Console(width=100)
    with console.capture() as shown:
        console.print(preview_view(DataPreview(report=report, reasons={}), name="small"))
    lines = [" ".join(line.split()) for line in shown.get().splitlines()]
    assert "Pronouns: he 1,732" in lines
    assert "all 31,415 926 2.9%" in lines
    assert "gender: women 1,810 181 10.0%" in lines


def lines_of(preview: DataPreview) -> list[str]:
    """What is shown, line by line, with single spaces."""
    console = Console(width=120)
    with console.capture() as shown:
        console.print(preview_view(preview, name="small"))
    return [" ".join(line.split()) for line in shown.get().splitlines()]


def test_parts_of_archives_that_hold_no_page_are_shown_with_the_warnings() -> None:
    skipped = {
        "notHtml": Skipped(count=1200, example="a"),
        "cutOff": Skipped(count=1, example="b"),
    }
    web = SourceReport(name="files a (warc)", received=Size(documents=9, bytes=90), skipped=skipped)
    texts = SourceReport(name="files b (jsonl)", received=Size(documents=8, bytes=80), bad_rows=2)
    report = DataReport(
        sources={}, by_source=(web, texts), steps=(), train=Size(), validation=Size()
    )
    warning = "files a (warc): 1 file ends too early"
    lines = lines_of(DataPreview(report=report, reasons={}, warnings=(warning,)))
    assert "source documents bytes rows skipped no documents" in lines
    assert "files a (warc) 9 90 0 notHtml 1,200, cutOff 1" in lines
    assert "files b (jsonl) 8 80 2" in lines
    assert f"Warning: {warning}" in lines


def test_scripts_and_languages_are_shown_by_source() -> None:
    languages = {f"l{n:02}": GroupReport(received=n, kept=n - 1) for n in range(1, 13)}
    one = SourceReport(
        name="files a",
        received=Size(documents=1078),
        scripts={"Latin": GroupReport(received=1000, kept=900), "Cjk": GroupReport(received=78)},
        labels={"language": languages},
    )
    two = SourceReport(name="files b", scripts={"Greek": GroupReport(received=5, kept=5)})
    report = DataReport(sources={}, by_source=(one, two), steps=(), train=Size(), validation=Size())
    lines = lines_of(DataPreview(report=report, reasons={}))
    assert lines[lines.index("Documents by script") + 1 :][:4] == [
        "source script documents kept",
        "files a Latin 1,000 900",
        "Cjk 78 0",
        "files b Greek 5 5",
    ]
    start = lines.index("Documents by language")
    assert lines[start + 1 : start + 3] == ["source language documents kept", "files a l12 12 11"]
    assert lines[start + 12] == "(2 others) 3 1"
