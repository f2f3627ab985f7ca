"""Folders as the hub has them are read, planned, written and read again without a change."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from support.architectures import tiny_shape
from support.published_models import PUBLISHED, published_config
from support.tiny_model import tiny_tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from llmtrain_api.families import Family
from llmtrain_planner.architecture import count_parameters
from llmtrain_trainer.models.config import attention_implementation
from llmtrain_trainer.models.recipe import stored_shape
from llmtrain_trainer.models.stored import load_model, save_model

VOCABULARY = len(tiny_tokenizer())


def _configs() -> dict[str, dict[str, Any]]:
    new = {
        family.value: family.definition.to_config(
            tiny_shape(family, vocabulary_size=VOCABULARY), dropout=0.0
        )
        for family in Family
    }
    return new | {name: published_config(name, vocabulary_size=VOCABULARY) for name in PUBLISHED}


CONFIGS = _configs()


def _logits(model: PreTrainedModel) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model.eval()(input_ids=torch.arange(5, 21)[None]).logits
    return logits


def _plain(folder: Path) -> PreTrainedModel:
    config = AutoConfig.from_pretrained(folder)
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation=attention_implementation(config)
    )
    return model


@pytest.mark.parametrize("name", CONFIGS)
def test_a_folder_is_read_and_written_without_a_change(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = AutoConfig.for_model(**CONFIGS[name])
    model = AutoModelForCausalLM.from_config(
        config, attn_implementation=attention_implementation(config)
    )
    first, tokenizer, second = (tmp_path / each for each in ("hub", "tokenizer", "exported"))
    model.save_pretrained(first)
    tiny_tokenizer().save_pretrained(tokenizer)
    expected = _logits(model)

    loaded = load_model(first)
    torch.testing.assert_close(_logits(loaded), expected, rtol=0, atol=0)
    shape = stored_shape(first)
    assert shape is not None
    assert count_parameters(shape) == model.num_parameters()

    weights: dict[str, object] = dict(loaded.named_parameters())
    save_model(lambda: load_model(first), weights, tokenizer=tokenizer, target=second)
    torch.testing.assert_close(_logits(_plain(second)), expected, rtol=0, atol=0)
    names = [safe_open(each / "model.safetensors", "pt").keys() for each in (first, second)]
    assert sorted(names[0]) == sorted(names[1])
    assert stored_shape(second) == shape


def test_experts_lie_in_a_folder_one_by_one(tmp_path: Path) -> None:
    """So older versions of transformers, and servers built with them, find them."""
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**CONFIGS["mixtral"]))
    model.save_pretrained(tmp_path)
    names = safe_open(tmp_path / "model.safetensors", "pt").keys()
    assert "model.layers.1.block_sparse_moe.experts.7.w2.weight" in names
