"""From a manifest's section to packed sequences in the workspace."""

import json
from pathlib import Path

import numpy as np
import pytest
from support.later_stage_context import stage_context
from support.tiny_model import save_tiny
from transformers import PreTrainedTokenizerBase

from llmtrain_api.stages import Stage
from llmtrain_trainer.errors import Interrupted, UserError
from llmtrain_trainer.finetune.packed.sequences import PackedSequences
from llmtrain_trainer.finetune.runner import RUNNER
from llmtrain_trainer.models.tokenizer import load_tokenizer
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.stage import StageContext


def chats(folder: Path, answers: list[str]) -> None:
    lines = [
        {"messages": [{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": text}]}
        for n, text in enumerate(answers)
    ]
    folder.mkdir(exist_ok=True)
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))


def context_of(folder: Path, **changes: object) -> StageContext:
    section = {
        "data": {"sources": [{"files": {"paths": ["a.jsonl"]}}], "validationFraction": 0.25},
        "sequenceLength": 64,
        "batchTokens": 64,
    }
    return stage_context(folder, Stage.FINETUNE, finetune=section | changes)


def answers_in(folder: Path, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    samples = PackedSequences.open(folder)
    labels = samples.batch(np.arange(len(samples))).labels
    text: str = tokenizer.decode(labels[labels >= 0])
    return text.split("<|im_end|>")[:-1]


def test_every_answer_is_learned_or_held_out(tmp_path: Path) -> None:
    answers = [f"answer {number}" for number in range(40)]
    chats(tmp_path, answers)
    save_tiny(tmp_path / "model")
    context = context_of(tmp_path)
    RUNNER.work(context)
    folder = context.workspace.conversations
    tokenizer = load_tokenizer(folder / "tokenizer")
    train, held_out = (answers_in(folder / side, tokenizer) for side in ("train", "validation"))
    assert sorted([*train, *held_out]) == sorted(answers)
    assert len(held_out) == 10


def labels(folder: Path, answers: list[str], name: str = "a.jsonl") -> None:
    """Conversations whose answers are labels, each question another one."""
    chats(folder, answers)
    (folder / "a.jsonl").rename(folder / name)


def prepared_answers(context: StageContext) -> tuple[list[str], list[str]]:
    """The answers to learn from and those held out."""
    RUNNER.work(context)
    folder = context.workspace.conversations
    tokenizer = load_tokenizer(folder / "tokenizer")
    train, held_out = (answers_in(folder / side, tokenizer) for side in ("train", "validation"))
    return train, held_out


def warnings_of(context: StageContext) -> str:
    assert isinstance(context.progress, ProgressTracker)
    return "\n".join(context.progress.report.warnings)


def test_the_asked_fraction_of_each_label_is_held_out(tmp_path: Path) -> None:
    labels(tmp_path, ["0", "1", "1", "1"] * 20)
    save_tiny(tmp_path / "model")
    context = context_of(tmp_path)
    train, held_out = prepared_answers(context)
    assert (held_out.count("0"), held_out.count("1")) == (5, 15)
    assert (train.count("0"), train.count("1")) == (15, 45)
    assert not warnings_of(context)


def test_a_label_on_one_side_only_is_named(tmp_path: Path) -> None:
    labels(tmp_path, ["yes"] * 10, "b.jsonl")
    labels(tmp_path, ["no"] * 10)
    save_tiny(tmp_path / "model")
    data = {
        "sources": [{"files": {"paths": ["a.jsonl"]}}],
        "validationSources": [{"files": {"paths": ["b.jsonl"]}}],
    }
    context = context_of(tmp_path, data=data)
    train, held_out = prepared_answers(context)
    assert (train, held_out) == (["no"] * 10, ["yes"] * 10)
    for _ in range(2):
        warnings = warnings_of(context)
        assert 'only held out, so the model never learns to give them: "yes" (10 of 20' in warnings
        assert 'never held out, so no validation measures them: "no" (10 of 20' in warnings
        context = context_of(tmp_path, data=data)
        RUNNER.work(context)  # nothing is made anew, and the warnings are given again


def test_what_is_chosen_for_validation_is_not_learned_from(tmp_path: Path) -> None:
    labels(tmp_path, [f"answer {number}" for number in range(8)], "b.jsonl")
    labels(tmp_path, [f"answer {number}" for number in range(20)])
    save_tiny(tmp_path / "model")
    data = {
        "sources": [{"files": {"paths": ["a.jsonl"]}}],
        "validationSources": [{"files": {"paths": ["b.jsonl"]}}],
    }
    context = context_of(tmp_path, data=data)
    train, held_out = prepared_answers(context)
    assert sorted(train) == sorted(f"answer {number}" for number in range(8, 20))
    assert sorted(held_out) == [f"answer {number}" for number in range(8)]
    assert "8 conversations of finetune.data.sources are also in validationSources" in (
        warnings_of(context)
    )


def test_skipped_rows_are_counted_for_a_person(tmp_path: Path) -> None:
    chats(tmp_path, ["yes", "no"])
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write("\n{}")
    save_tiny(tmp_path / "model")
    source = {"files": {"paths": ["a.jsonl"], "maxBadRows": 1}}
    context = context_of(tmp_path, data={"sources": [source]})
    RUNNER.work(context)
    assert "finetune.data.sources[0]: 1 rows were skipped: " in warnings_of(context)
    assert "a.jsonl: line 3: no field 'messages'" in warnings_of(context)


def test_answers_beyond_the_sequence_are_counted_for_a_person(tmp_path: Path) -> None:
    chats(tmp_path, ["yes", "no", "perhaps", "well " * 30])
    long = {
        "messages": [{"role": "user", "content": "?" * 80}, {"role": "assistant", "content": "x"}]
    }
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write("\n" + json.dumps(long))
    save_tiny(tmp_path / "model")
    context = context_of(tmp_path)
    RUNNER.work(context)
    assert "1 conversations are left out" in warnings_of(context)
    assert "1 conversations lose the end of an answer" in warnings_of(context)


def test_two_conversations_are_enough_and_one_is_not(tmp_path: Path) -> None:
    save_tiny(tmp_path / "model")
    chats(tmp_path, ["yes", "no"])
    context = context_of(tmp_path)
    RUNNER.work(context)
    for side in ("train", "validation"):
        assert len(PackedSequences.open(context.workspace.conversations / side)) == 1
    chats(tmp_path, ["yes"])
    with pytest.raises(UserError, match="at least 2 that differ are needed"):
        RUNNER.work(context)


def test_a_rerun_does_nothing_until_a_file_changes(tmp_path: Path) -> None:
    save_tiny(tmp_path / "model")
    chats(tmp_path, ["yes", "no"])
    context = context_of(tmp_path)
    RUNNER.work(context)
    index = context.workspace.conversations / "train" / "index.json"
    first = index.stat().st_ino
    RUNNER.work(context)
    assert index.stat().st_ino == first
    chats(tmp_path, ["yes", "no", "perhaps"])
    RUNNER.work(context)
    assert index.stat().st_ino != first


def test_a_stopped_preparation_leaves_nothing_behind(tmp_path: Path) -> None:
    save_tiny(tmp_path / "model")
    chats(tmp_path, ["yes", "no"])
    context = context_of(tmp_path)
    context.stop.set()
    with pytest.raises(Interrupted):
        RUNNER.work(context)
    assert not list((tmp_path / "data").iterdir())


def test_a_sequence_longer_than_the_models_context_is_refused(tmp_path: Path) -> None:
    save_tiny(tmp_path / "model", context_length=32)
    chats(tmp_path, ["yes", "no"])
    with pytest.raises(UserError, match=r"finetune\.sequenceLength: 64 .* context of 32 tokens"):
        RUNNER.work(context_of(tmp_path))


def test_a_tokenizer_larger_than_the_model_is_refused(tmp_path: Path) -> None:
    save_tiny(tmp_path / "model", vocabulary_size=100)
    chats(tmp_path, ["yes", "no"])
    with pytest.raises(UserError, match=r"the tokenizer has \d+ tokens, the model only 100"):
        RUNNER.work(context_of(tmp_path))


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    save_tiny(tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").rename(tmp_path / "model" / "pytorch_model.bin")
    chats(tmp_path, ["yes", "no"])
    with pytest.raises(UserError, match="pickled weights are never loaded"):
        RUNNER.work(context_of(tmp_path))


def test_without_the_pretrained_model_the_stage_to_run_is_named(tmp_path: Path) -> None:
    model = {"layers": 1, "hiddenSize": 8, "heads": 1}
    context = stage_context(
        tmp_path,
        Stage.FINETUNE,
        model=model,
        pretrain={},
        finetune={"data": {"sources": [{"pythonDocs": {}}]}},
    )
    with pytest.raises(UserError, match="run the pretrain stage first"):
        RUNNER.work(context)
