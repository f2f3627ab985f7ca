"""Weights of sources, from texts to the order in which they are trained on."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.stage_context import stage_context
from transformers import AutoTokenizer

from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.pretrain.task import pretrain_task
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokenizer.runner import RUNNER as TOKENIZER_STAGE
from llmtrain_trainer.tokens.files import INDEX_FILE, TokenFile
from llmtrain_trainer.training.samples import SampleOrder

CHINESE = "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家"
LENGTH = 16
BATCH = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an English and a Chinese source, and a third with one short text."""
    folder = tmp_path_factory.mktemp("mixture")
    (folder / "inputs").mkdir()
    english = [f"Document {n} has its own words, and number {n * n} too." for n in range(300)]
    chinese = [CHINESE[n % 9 : n % 9 + 30] * (1 + n // 9) for n in range(90)]
    for name, texts in (("en", english), ("zh", chinese), ("short", ["a b", "c"])):
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        (folder / "inputs" / f"{name}.jsonl").write_text(lines)
    return folder


def mixed(
    folder: Path, *shares: Mapping[str, object], steps: int = 40, names: str = "en zh"
) -> StageContext:
    """The context of a tokenizer stage whose documents are made."""
    sources: list[dict[str, Any]] = [
        {"files": {"paths": [f"{name}.jsonl"], "format": "jsonl"}} for name in names.split()
    ]
    for source, share in zip(sources, shares, strict=False):
        source.update(share)
    pretrain = {
        "tokens": steps * BATCH * LENGTH,
        "sequenceLength": LENGTH,
        "batchTokens": BATCH * LENGTH,
    }
    context = stage_context(
        "tokenizer",
        folder,
        data={"sources": sources, "steps": [{"unicode": {}}], "validationFraction": 0.2},
        tokenizer={"vocabularySize": 400},
        model={"layers": 2, "hiddenSize": 32, "heads": 4},
        pretrain=pretrain,
    )
    DATA_STAGE.work(context)
    return context


def trained(folder: Path, *shares: Mapping[str, object], steps: int = 40) -> StageContext:
    context = mixed(folder, *shares, steps=steps)
    TOKENIZER_STAGE.work(context)
    return context


def sources_read(context: StageContext, steps: int) -> Iterator[str]:
    """The source of each sequence in the order of training, by its letters."""
    task = pretrain_task(context.config)
    assert task.mixture is not None
    tokenizer = AutoTokenizer.from_pretrained(context.workspace.tokenizer)
    batch = task.samples.batch(task.mixture.at(np.arange(steps * BATCH)))
    for inputs, labels in zip(batch.input_ids, batch.labels, strict=True):
        text = tokenizer.decode([*inputs, labels[-1]], skip_special_tokens=True)
        latin, cjk = bool(re.search("[a-z]", text)), bool(re.search("[一-鿿]", text))
        assert latin != cjk, text
        yield "en" if latin else "zh"


def test_the_texts_of_every_prefix_follow_the_weights(folder: Path) -> None:
    context = trained(folder, {"weight": 0.7}, {"weight": 0.3})
    english = 0
    for length, source in enumerate(sources_read(context, 40), start=1):
        english += source == "en"
        assert abs(10 * english - 7 * length) <= 5
    assert 10 * english == 7 * 40 * BATCH


def test_a_capped_source_ends_and_the_other_goes_on(folder: Path) -> None:
    context = trained(folder, {"weight": 9, "maxEpochs": 0.5}, {"weight": 1})
    read = list(sources_read(context, 40))
    tokens = TokenFile(context.workspace.tokens / "train").index.tokens_by_source[0]
    most = (tokens - 1) // LENGTH // 2
    assert read.count("en") == most < 250
    assert "en" not in read[-20:]


def test_without_weights_all_sources_are_one_shuffled_row(folder: Path) -> None:
    context = trained(folder)
    task = pretrain_task(context.config)
    assert task.mixture is None
    assert isinstance(task.order, SampleOrder)
    tokens = TokenFile(context.workspace.tokens / "train")
    assert len(task.samples) == (tokens.index.num_tokens - 1) // LENGTH
    first = tokens.sequences(np.arange(len(task.samples)) * LENGTH, LENGTH)
    numbers = task.order.at(np.arange(30))
    assert (numbers == SampleOrder(len(first), context.config.seed).at(np.arange(30))).all()
    assert (task.samples.batch(numbers).input_ids == first[numbers]).all()


def test_other_weights_need_neither_new_documents_nor_new_tokens(folder: Path) -> None:
    made = [trained(folder).workspace]
    made += [trained(folder, {"weight": 1}, {"weight": n}).workspace for n in (2, 3)]
    for name in ("documents", "tokens", "tokenizer"):
        assert len({getattr(workspace, name).stat().st_ino for workspace in made}) == 1


def test_other_weights_are_other_training(folder: Path) -> None:
    shares = ((), ({"weight": 1}, {"weight": 2}), ({"weight": 1}, {"weight": 3}))
    tasks = [pretrain_task(trained(folder, *each).config) for each in shares]
    assert len({task.fingerprint for task in tasks}) == 3


def test_more_tokens_than_the_caps_allow_are_refused_once_there_are_tokens(folder: Path) -> None:
    shares = ({"weight": 1, "maxEpochs": 0.5}, {"weight": 1, "maxEpochs": 1.5})
    context = mixed(folder, *shares, steps=1000)
    with pytest.raises(UserError, match=r"128000 tokens are 1000 steps of 128, and data") as raised:
        TOKENIZER_STAGE.work(context)
    assert raised.value.reason == "TooFewTokens"
    found = re.search("set pretrain.tokens to ([0-9]+) or less", str(raised.value))
    assert found is not None
    steps = int(found[1]) // (BATCH * LENGTH)
    with pytest.raises(UserError, match=r"data\.sources have"):
        pretrain_task(context.config)
    for last in (steps, steps + 1):
        again = mixed(folder, *shares, steps=last)
        if last == steps:
            TOKENIZER_STAGE.work(again)
            pretrain_task(again.config)
        else:
            with pytest.raises(UserError, match="within their maxEpochs"):
                TOKENIZER_STAGE.work(again)


def test_many_epochs_are_warned_about_unless_they_are_asked_for(folder: Path) -> None:
    context = trained(folder, {"weight": 1}, {"weight": 1000}, steps=500)
    (warning,) = context.progress.report.warnings
    assert re.match(r"data\.sources\[1\] \(files zh\.jsonl \(jsonl\)\): training goes \d", warning)
    asked = trained(folder, {"weight": 1}, {"weight": 1000, "maxEpochs": 900}, steps=500)
    assert not asked.progress.report.warnings


def test_a_source_without_a_sequence_is_named(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "inputs").symlink_to(folder / "inputs")
    shares = [{"weight": 1}] * 3
    with pytest.raises(UserError, match=r"data\.sources\[2\] \(files short.jsonl .* too few for"):
        TOKENIZER_STAGE.work(mixed(tmp_path, *shares, names="en zh short"))


def test_tokens_without_sources_are_refused(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "inputs").symlink_to(folder / "inputs")
    context = trained(tmp_path)
    index = context.workspace.tokens / "train" / INDEX_FILE
    stored = json.loads(index.read_text())
    for shard in stored["shards"]:
        del shard["source"]
    index.write_text(json.dumps(stored))
    pretrain_task(context.config)
    with pytest.raises(UserError, match="older version of llmtrain wrote these tokens"):
        trained(tmp_path, {"weight": 1}, {"weight": 1})
