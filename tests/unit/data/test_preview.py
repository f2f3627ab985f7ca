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
    ("num_documents", "read"), [(9, [3, 3, 3]), (10, [3, 3, 4]), (100, [33, 3, 50]), (1, [0, 0, 1])]
)
def test_sources_share_the_documents(tmp_path: Path, num_documents: int, read: list[int]) -> None:
    files = [[sentence(n) for n in range(100 * k, 100 * k + size)] for k, size in enumerate(SIZES)]
    found = preview(config_of(tmp_path, *files), num_documents)
    assert [source.received.documents for source in found.report.by_source] == read


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    config = config_of(tmp_path, [sentence(0)])
    (tmp_path / "inputs" / "0.jsonl").write_text('{"text": \n')
    with pytest.raises(UserError, match=r"0\.jsonl: line 1: each line must be one JSON object"):
        preview(config, 10)
