"""A preview applies the steps to the first documents alone, in this process."""

import json
from pathlib import Path

import pytest
from support.stage_context import stage_context

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.preview import preview
from llmtrain_trainer.errors import UserError

STEPS = [{"unicode": {}}, {"gopher": {"minWords": 3}}, {"exactDedup": {}}]
SIZES = (40, 3, 50)


def sentence(number: int) -> str:
    return f"The words of document {number} have to be read with care, and that is the end of it."


def answer(kind: str, body: str) -> bytes:
    """A record of a web archive."""
    http = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n{body}".encode()
    head = f"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: {len(http)}\r\n\r\n"
    return head.encode() + http + b"\r\n\r\n"


def config_of(folder: Path, *files: list[str]) -> RunConfig:
    """A config with a source for each file."""
    (folder / "inputs").mkdir()
    for number, texts in enumerate(files):
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        (folder / "inputs" / f"{number}.jsonl").write_text(lines)
    paths = [f"{number}.jsonl" for number in range(len(files))]
    sources = [{"files": {"paths": [path], "format": "jsonl"}} for path in paths]
    return stage_context("data", folder, data={"sources": sources, "steps": STEPS}).config


def test_the_steps_are_applied_to_the_first_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmtrain_trainer.parallel._SMALL_BYTES", 0)  # for one byte, Ray starts
    texts = ["too short", sentence(0), sentence(1).replace(" ", "\u00a0", 1) + "\x00", sentence(0)]
    config = config_of(tmp_path, [*texts, *map(sentence, range(1000))])
    found = preview(config, 4)
    steps = {step.name: step for step in found.report.steps}
    assert steps["unicode"].changed_documents == 1
    assert steps["gopher"].dropped_by_rule == {"minWords": 1}
    assert steps["exactDedup"].dropped_by_rule == {"repeated": 1}
    assert steps["exactDedup"].kept.documents == 2
    assert found.reasons["gopher minWords"] == "fewer than 3 words"
    assert found.reasons["exactDedup repeated"] == "the same text came before"
    assert not Path(config.workspace).exists()


@pytest.mark.parametrize(
    ("num_documents", "read"),
    [
        (9, [3, 3, 3]),
        (10, [3, 3, 4]),
        (60, [28, 3, 29]),
        (90, [40, 3, 47]),
        (100, [40, 3, 50]),
        (1, [0, 0, 1]),
    ],
)
def test_sources_share_the_documents(tmp_path: Path, num_documents: int, read: list[int]) -> None:
    files = [[sentence(n) for n in range(100 * k, 100 * k + size)] for k, size in enumerate(SIZES)]
    found = preview(config_of(tmp_path, *files), num_documents)
    assert [source.received.documents for source in found.report.by_source] == read
    # A source that was not asked is not said to be empty.
    assert not found.warnings


def test_what_small_sources_leave_goes_to_those_before_them(tmp_path: Path) -> None:
    files = [[f"Document {n} of file {k}." for n in range(s)] for k, s in enumerate((90, 12, 7))]
    found = preview(config_of(tmp_path, *files), 100)
    assert [source.received.documents for source in found.report.by_source] == [81, 12, 7]


def test_a_torn_archive_and_records_that_are_no_pages_are_warned_of(tmp_path: Path) -> None:
    answers = [answer("text/html", "<p>one"), answer("image/png", "x"), answer("text/html", "two")]
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "a.warc").write_bytes(b"".join(answers)[:-20])
    data = {"sources": [{"files": {"paths": ["a.warc"], "format": "warc"}}], "steps": STEPS}
    found = preview(stage_context("data", tmp_path, data=data).config, 10)
    (source,) = found.report.by_source
    assert {kind: each.count for kind, each in source.skipped.items()} == {
        "notHtml": 1,
        "cutOff": 1,
    }
    assert any("1 file ends too early" in warning for warning in found.warnings)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    config = config_of(tmp_path, [sentence(0)])
    (tmp_path / "inputs" / "0.jsonl").write_text('{"text": \n')
    with pytest.raises(UserError, match=r"0\.jsonl: line 1: each line must be one JSON object"):
        preview(config, 10)
