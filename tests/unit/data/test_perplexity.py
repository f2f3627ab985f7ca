"""Documents are chosen by a language model: its scores, the shares, and the corpus."""

import json
import math
import shutil
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.crashed_rename import KilledError, killed_before_rename
from support.prose import CODE, EMOJI, PROSE
from support.stage_context import documents_of, stage_context
from support.tiny_model import save_tiny, tiny_tokenizer
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer, BertConfig, BertForMaskedLM

from llmtrain_api.data_report import DataReport
from llmtrain_api.spec.step_sections.perplexity import Perplexity
from llmtrain_api.stages import Stage
from llmtrain_trainer.data.preview import preview
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.data.scores.choice import RULES, Choice
from llmtrain_trainer.data.scores.language_model import beginning
from llmtrain_trainer.data.scores.models import Score, loaded
from llmtrain_trainer.data.scores.scoring import BLANK
from llmtrain_trainer.data.step_files import StepFiles
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.bits_per_byte import score_text
from llmtrain_trainer.evaluate.text import held_out_texts, token_stream
from llmtrain_trainer.stage import StageContext

TEXTS = {language: " ".join(sentences) for language, sentences in PROSE.items()} | {
    "emoji": EMOJI,
    "code": CODE,
}
SENTENCES = [text for language in ("English", "Czech", "Hindi") for text in PROSE[language]]
WINDOW = 64
"""Context of the tiny model."""
SCORES = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, 1.0, 1.5, math.nan, BLANK]
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models") / "model")


def score_of(path: Path, **section: object) -> Score:
    settings = Perplexity.model_validate({"model": path.name, **section})
    return loaded(StepFiles.at("model", path), settings)


@pytest.mark.slow
@pytest.mark.parametrize("language", TEXTS)
def test_bits_per_byte_are_those_of_the_evaluation(model: Path, language: str) -> None:
    text = TEXTS[language]
    network = AutoModelForCausalLM.from_pretrained(model).eval()
    stream = token_stream(AutoTokenizer.from_pretrained(model), [text])
    # Bytes are scored up to a limit, and the evaluation scores the whole of it.
    expected = score_text(network, stream, window=WINDOW).bits_per_byte
    assert score_of(model, maxBytes=10**6)(text) == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["English", "Chinese"])
def test_the_entropy_is_that_of_plain_pytorch(model: Path, language: str) -> None:
    text = TEXTS[language]
    network = AutoModelForCausalLM.from_pretrained(model).eval()
    ids = [0, *AutoTokenizer.from_pretrained(model)(text)["input_ids"]]
    sums = 0.0
    for start in range(0, len(ids) - 1, WINDOW):
        some = torch.tensor([ids[start : start + WINDOW + 1][:-1]])
        with torch.inference_mode():
            shares = functional.softmax(network(some).logits[0].double(), dim=-1)
        sums -= float((shares * shares.log2()).sum())
    found = score_of(model, score="entropy")(text)
    assert found == pytest.approx(sums / (len(ids) - 1), rel=1e-5)
    assert 0 < found <= math.log2(320)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.text(max_size=60), min_size=1, max_size=3))
def test_the_score_of_any_text_is_its_own(model: Path, texts: list[str]) -> None:
    score = score_of(model)
    found = [score(text) for text in texts]
    assert found[::-1] == [score(text) for text in reversed(texts)]
    for text, each in zip(texts, found, strict=True):
        assert each > 0 or (not text and math.isnan(each))


@pytest.mark.parametrize("text", [TEXTS["Hindi"], "abc", "", "é" * 300])
@pytest.mark.parametrize("size", [256, 300, 601])
def test_the_beginning_of_a_text_ends_between_letters(text: str, size: int) -> None:
    part = beginning(text, size)
    assert text.startswith(part)
    assert len(part.encode()) <= size
    assert part == text or len(part.encode()) > size - 4


def test_control_tokens_in_a_text_are_text(model: Path) -> None:
    score = score_of(model)
    assert score("<|endoftext|>") > 0
    assert score("a<|endoftext|>b") != score("ab")


def rules_of(section: dict[str, object], *parts: list[float]) -> list[str]:
    """The rule for each document; `` for one that stays."""
    arrays = [np.array(part, np.float32) for part in parts]
    choice = Choice(Perplexity.model_validate({"model": "m", **section}), lambda: arrays)
    return [(*RULES, "")[rule] for array in arrays for rule in choice.take(array)]


def test_both_tails_go_and_then_the_rest_is_reduced() -> None:
    scores = [5.0, 1.0, 4.0, 2.0, 3.0, math.nan, 9.0, 2.5, 8.0, 3.5, 7.0, BLANK]
    found = rules_of({"dropLowest": 0.1, "dropHighest": 0.29, "keepHighest": 4}, scores)
    low, high, left = "dropLowest", "dropHighest", "keepHighest"
    assert found == ["", low, "", left, left, "noScore", high, left, high, "", "", "empty"]


def test_of_equal_documents_the_first_stay() -> None:
    assert rules_of({"dropLowest": 0.5}, [1.0, 1.0], [1.0, 1.0]) == ["", "", *["dropLowest"] * 2]
    assert rules_of({"dropHighest": 0.5}, [1.0, 1.0], [1.0, 1.0])[:2] == ["", ""]
    assert rules_of({"keepHighest": 3}, [1.0, 1.0], [1.0, 1.0]) == ["", "", "", "keepHighest"]
    assert rules_of({"keepHighest": 9}, [1.0, 2.0]) == ["", ""]
    assert rules_of({"dropLowest": 0.4}, [1.0, 2.0]) == ["", ""]  # rounded down


@given(
    parts=st.lists(st.lists(SCORES, max_size=15), max_size=4),
    low=st.sampled_from([0, 0.1, 0.3]),
    high=st.sampled_from([0, 0.25, 0.5]),
    keep=st.sampled_from([None, 1, 3]),
)
def test_the_choice_is_that_of_a_sorted_list(
    parts: list[list[float]], low: float, high: float, keep: int | None
) -> None:
    flat = [float(np.float32(score)) for part in parts for score in part]
    left = [n for n, score in enumerate(flat) if math.isfinite(score)]
    size = len(left)
    left = sorted(left, key=lambda n: (-flat[n], n))[: size - math.floor(low * size + 1e-9)]
    left = sorted(left, key=lambda n: (flat[n], n))[: len(left) - math.floor(high * size + 1e-9)]
    left = sorted(left, key=lambda n: (-flat[n], n))[:keep]
    section = {"dropLowest": low, "dropHighest": high}
    found = rules_of(section | ({"keepHighest": keep} if keep else {}), *parts)
    assert {n for n, rule in enumerate(found) if not rule} == {*left}


@pytest.mark.parametrize(
    "wrong",
    [
        {"dropLowest": 0.5, "dropHighest": 0.5},
        {"dropLowest": 1},
        {"keepHighest": 0},
        {"score": "loss"},
        {"maxBytes": 100},
    ],
)
def test_what_would_leave_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Perplexity.model_validate({"model": "m", **wrong})


def context_in(folder: Path, model: Path, section: dict[str, object]) -> StageContext:
    """Two sources: one with text of a language each, one with code."""
    inputs = folder / "inputs"
    inputs.mkdir(exist_ok=True)
    lines = [line for line in CODE.split("\n\n") if len(line) > 40][:8]
    sources = {"prose": SENTENCES, "code": lines}
    listed = []
    for name, texts in sources.items():
        path = inputs / f"{name}.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        listed.append({"files": {"paths": [path.name], "format": "jsonl"}})
    steps = [{"exactDedup": {}}, {"perplexity": {"model": str(model), **section}}]
    data = {"sources": listed, "steps": steps, "validationFraction": 0.2}
    return stage_context("data", folder, data=data)


def made_in(context: StageContext) -> tuple[set[str], DataReport]:
    """The documents that the stage makes, and its report."""
    DATA_STAGE.work(context)
    sides = (documents_of(context.workspace, side) for side in ("train", "validation"))
    report = context.workspace.data_report.read_bytes()
    return {text for side in sides for text in side}, DataReport.model_validate_json(report)


@pytest.mark.slow
def test_shares_are_of_a_source_or_of_the_corpus(tmp_path: Path, model: Path) -> None:
    every, report = made_in(context_in(tmp_path, model, {}))
    score = score_of(model)
    prose = {*SENTENCES}
    code = every - prose
    assert report.steps[-1].scores.count == len(every)
    assert not report.steps[-1].dropped_by_rule
    kept, report = made_in(context_in(tmp_path, model, {"dropHighest": 0.25}))
    expected = {
        text
        for source in (code, prose)
        for text in sorted(source, key=score)[: len(source) - len(source) // 4]
    }
    assert kept == expected
    kept, report = made_in(
        context_in(tmp_path, model, {"dropHighest": 0.25, "keepHighest": 7, "among": "corpus"})
    )
    assert kept == {*sorted(every, key=score)[: len(every) - len(every) // 4][-7:]}
    step = report.steps[-1]
    assert step.dropped_by_rule["dropHighest"] == len(every) // 4
    assert step.scored[0].score == pytest.approx(min(map(score, every)), abs=0.2)
    shown = preview(
        context_in(tmp_path, model, {"dropHighest": 0.25, "among": "corpus"}).config, 1000
    )
    assert shown.report.steps[-1].scores == step.scores
    reason = "among the 25% of all documents with the highest scores"
    assert shown.reasons["perplexity dropHighest"] == reason


@pytest.mark.slow
def test_a_corpus_is_the_same_in_any_units_and_wherever_the_driver_is_killed(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_in(tmp_path, model, {"dropLowest": 0.2, "keepHighest": 9, "among": "corpus"})
    whole = made_in(context)
    monkeypatch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", 1500)
    monkeypatch.setattr("llmtrain_trainer.data.scores.scoring._SLICE_DOCUMENTS", 4)
    for rename in count(4, 6):
        shutil.rmtree(context.workspace.root)
        try:
            with killed_before_rename(rename):
                DATA_STAGE.work(context)
        except KilledError:
            assert made_in(context) == whole
        else:
            break
    assert rename > 12


@pytest.mark.slow
def test_text_to_measure_on_of_an_evaluation_is_chosen_in_the_same_way(
    tmp_path: Path, model: Path
) -> None:
    context = context_in(tmp_path, model, {"keepHighest": 4, "among": "corpus"})
    kept, _ = made_in(context)
    assert context.config.data is not None
    data = context.config.data.model_dump(mode="json", exclude_none=True)
    measured = held_out_texts(stage_context("evaluate", tmp_path, evaluate={"data": data}))
    assert {*measured} == kept


def masked(folder: Path) -> None:
    config = BertConfig(
        vocab_size=320, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, max_position_embeddings=32,
    )  # fmt: skip
    BertForMaskedLM(config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("missing", ": it must be a folder below .*, or a model of the Hugging Face hub"),
        ("masked", "BertForMaskedLM predicts no next token"),
        ("weights", r"no \*\.safetensors"),
        ("tokenizer", "no tokenizer can be loaded"),
        ("vocabulary", "vocabulary|tokens"),
    ],
)
def test_a_model_that_does_not_suit_is_named_before_anything_is_read(
    fault: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = tmp_path / "model"
    if fault == "masked":
        masked(folder)
    elif fault != "missing":
        save_tiny(folder, vocabulary_size=280 if fault == "vocabulary" else 320)
    if fault == "weights":
        (folder / "model.safetensors").unlink()
    if fault == "tokenizer":
        for file in folder.glob("tokenizer*"):
            file.unlink()
    context = context_in(tmp_path, folder, {})
    with pytest.raises(UserError, match=rf"data\.steps perplexity\.model .*({named})"):
        DATA_STAGE.work(context)
    assert not context.workspace.units(Stage.DATA).exists()
