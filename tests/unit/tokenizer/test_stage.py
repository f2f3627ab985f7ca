"""The tokenizer stage: its report, and what an interrupted one need not do again."""

import json
from pathlib import Path

import pytest
from support.stage_context import documents_of, stage_context
from transformers import AutoTokenizer

from llmtrain_api.tokenizer_report import TokenizerReport
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokenizer import stage
from llmtrain_trainer.tokenizer.runner import RUNNER as TOKENIZER_STAGE
from llmtrain_trainer.tokens.files import TokenFile

CHINESE = "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家"


def context_of(folder: Path, **tokenizer: object) -> StageContext:
    """A context over an English source and a Chinese one, whose documents are made."""
    if not (folder / "inputs").is_dir():
        (folder / "inputs").mkdir(parents=True)
        english = [f"Document {n} has its own words, and number {n * n} too." for n in range(300)]
        chinese = [CHINESE[n % 9 : n % 9 + 30] * (1 + n // 9) for n in range(90)]
        for name, texts in (("en", english), ("zh", chinese)):
            lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
            (folder / "inputs" / f"{name}.jsonl").write_text(lines)
    names = ("en", "zh")
    sources = [{"files": {"paths": [f"{name}.jsonl"], "format": "jsonl"}} for name in names]
    data = {"sources": sources, "steps": [{"unicode": {}}], "validationFraction": 0.2}
    section = {"vocabularySize": 400, **tokenizer}
    context = stage_context("tokenizer", folder, data=data, tokenizer=section)
    DATA_STAGE.work(context)
    return context


def report_of(context: StageContext) -> TokenizerReport:
    return TokenizerReport.model_validate_json(context.workspace.tokenizer_report.read_bytes())


def test_a_tokenizer_needs_documents(tmp_path: Path) -> None:
    data = {"sources": [{"pythonDocs": {}}]}
    context = stage_context("tokenizer", tmp_path, data=data, tokenizer={"vocabularySize": 400})
    with pytest.raises(UserError, match="no documents; run the data stage first"):
        TOKENIZER_STAGE.work(context)


def test_the_report_tells_what_was_learned_and_how_it_compresses(tmp_path: Path) -> None:
    first = context_of(tmp_path)
    TOKENIZER_STAGE.work(first)
    first.workspace.tokenizer.rename(tmp_path / "inputs" / "other")
    context = context_of(tmp_path, vocabularySize=350, compareWith="other")
    TOKENIZER_STAGE.work(context)
    report = report_of(context)

    english, chinese = report.sources
    assert [english.name, chinese.name] == ["files en.jsonl (jsonl)", "files zh.jsonl (jsonl)"]
    assert (english.sample, chinese.sample) == (english.train, chinese.train)
    for split in ("train", "validation"):
        index = TokenFile(context.workspace.tokens / split).index
        tokens = [getattr(source, f"{split}_tokens") for source in report.sources]
        text = [getattr(source, split) for source in report.sources]
        assert sum(tokens) == index.num_tokens
        assert sum(size.bytes for size in text) == index.num_bytes
        assert sum(size.documents for size in text) == index.num_documents

    assert (report.compared_with, report.compared_vocabulary_size) == ("other", 400)
    assert [row.name for row in report.by_source] == [english.name, chinese.name]
    assert {row.name: row.text for row in report.by_script} == {
        "Latin": english.validation,
        "Cjk": chinese.validation,
    }
    held_out = documents_of(context.workspace, "validation")
    for folder, tokens in (
        (context.workspace.tokenizer, report.total.tokens),
        (tmp_path / "inputs" / "other", report.total.compared_tokens),
    ):
        tokenizer = AutoTokenizer.from_pretrained(folder)
        assert tokens == sum(map(len, tokenizer(held_out)["input_ids"]))
    assert report.total.bytes_per_token < (report.total.compared_bytes_per_token or 0)


def test_a_vocabulary_is_learned_from_no_more_than_the_sample(tmp_path: Path) -> None:
    context = context_of(tmp_path, sample={"maxBytes": 10_000, "sourceExponent": 0})
    TOKENIZER_STAGE.work(context)
    sizes = [source.sample.bytes for source in report_of(context).sources if source.sample]
    assert sizes == [pytest.approx(5000, rel=0.3), pytest.approx(5000, rel=0.3)]


def test_a_pretrained_tokenizer_learned_from_nothing_here(tmp_path: Path) -> None:
    first = context_of(tmp_path)
    TOKENIZER_STAGE.work(first)
    first.workspace.tokenizer.rename(tmp_path / "inputs" / "other")
    context = context_of(tmp_path, vocabularySize=None, pretrained="other")
    TOKENIZER_STAGE.work(context)
    report = report_of(context)
    assert [source.sample for source in report.sources] == [None, None]
    assert report.total.compared_tokens is None
    assert report.total.bytes_per_token > 1


def test_a_tokenizer_to_compare_with_that_is_not_there_is_an_error_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(tmp_path, compareWith="nowhere")
    monkeypatch.setattr(stage, "learn", None)
    with pytest.raises(UserError, match=r"tokenizer\.compareWith nowhere: it must be a folder"):
        TOKENIZER_STAGE.work(context)


def test_a_stage_that_was_lost_after_learning_does_not_learn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(tmp_path)

    def lost(*_: object, **__: object) -> None:
        raise RuntimeError("the driver is lost")

    with monkeypatch.context() as patch:
        patch.setattr(stage, "write_token_files", lost)
        with pytest.raises(RuntimeError):
            TOKENIZER_STAGE.work(context)
    monkeypatch.setattr(stage, "learn", None)
    TOKENIZER_STAGE.work(context)
    assert all(source.sample for source in report_of(context).sources)
