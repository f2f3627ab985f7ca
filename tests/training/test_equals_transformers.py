"""Fine-tuning's losses are those that plain transformers has for each conversation alone."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from support.later_stage_context import stage_context
from support.rank_process import Run, run_ranks
from support.tiny_model import tiny_tokenizer
from torch.nn.functional import cross_entropy
from transformers import (
    AutoModelForCausalLM,
    Glm4MoeConfig,
    MistralConfig,
    PretrainedConfig,
)

from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.finetune.packed.sequences import PackedSequences
from llmtrain_trainer.finetune.runner import RUNNER

_WINDOW = 8
"""Tokens; each conversation is longer."""
_BUFFER = "e_score_correction_bias"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("windows")
    sizes = {
        "vocab_size": len(tiny_tokenizer()),
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 128,
    }
    window = MistralConfig(**sizes, sliding_window=_WINDOW)
    experts = Glm4MoeConfig(
        **sizes,
        head_dim=8,
        moe_intermediate_size=16,
        n_routed_experts=4,
        num_experts_per_tok=2,
        first_k_dense_replace=1,
    )
    runs = [_run(root / str(packing), window, packing=packing) for packing in (True, False)]
    run_ranks([*runs, _run(root / "experts", experts, packing=True)], ranks=1)
    return root


@pytest.mark.parametrize("packing", [True, False])
def test_a_sliding_window_is_kept(root: Path, *, packing: bool) -> None:
    workspace = Workspace(root / str(packing))
    records = map(json.loads, workspace.metrics(Stage.FINETUNE).read_text().splitlines())
    losses = [record["loss"] for record in records if "loss" in record]
    expected = _expected(root / str(packing) / "model", workspace.conversations / "train")
    # Steps of one sequence each, too small to change the model: only the order differs.
    assert sorted(losses) == pytest.approx(sorted(expected), rel=1e-5)
    assert (len(losses) < 10) == packing


def test_what_a_model_keeps_beside_its_weights_is_saved(root: Path) -> None:
    folder = Workspace(root / "experts").model("finetuned")
    saved = dict(AutoModelForCausalLM.from_pretrained(folder).named_buffers())
    biases = [buffer for name, buffer in saved.items() if name.endswith(_BUFFER)]
    assert biases
    assert all((bias == 0.5).all() for bias in biases)


def _expected(folder: Path, samples: Path) -> list[float]:
    """The mean loss of each sequence: every conversation of it is read alone."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    losses = []
    sequences = PackedSequences.open(samples)
    for number in range(len(sequences)):
        batch = sequences.batch(np.array([number]))
        labels = torch.from_numpy(batch.labels[0])
        segments = np.zeros_like(batch.labels) if batch.segments is None else batch.segments
        nats = torch.zeros(())
        for segment in range(int(segments.max()) + 1):
            here = torch.from_numpy(segments[0] == segment)
            with torch.no_grad():
                logits = model(torch.from_numpy(batch.input_ids[0])[here][None]).logits[0]
            nats += cross_entropy(logits, labels[here], reduction="sum", ignore_index=-100)
        losses.append(float(nats / (labels >= 0).sum()))
    return losses


def _run(folder: Path, config: PretrainedConfig, *, packing: bool) -> Run:
    """Fine-tuning of a model of this shape, on prepared conversations."""
    tokenizer = tiny_tokenizer()
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    for name, buffer in model.named_buffers():
        if name.endswith(_BUFFER):
            buffer.fill_(0.5)
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    turns = [
        [{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": f"It is {n}."}]
        for n in range(12)
    ]
    lines = [json.dumps({"messages": messages}) for messages in turns]
    (folder / "chats.jsonl").write_text("\n".join(lines))
    finetune = {
        "data": {"sources": [{"files": {"paths": ["chats.jsonl"]}}], "validationFraction": 0.1},
        "sequenceLength": 96,
        "batchTokens": 96,
        "packing": packing,
        "epochs": 1,
        "optimizer": {"learningRate": 1e-12},
        "precision": "fp32",
    }
    context = stage_context(folder, Stage.FINETUNE, finetune=finetune)
    RUNNER.work(context)
    return Run(context.config)
