"""A saved model says where a text begins and ends, as its tokenizer has it."""

import json
from pathlib import Path

import pytest
from support.tiny_job import VOCABULARY_SIZE, write_tokens
from support.tiny_model import tiny_model, tiny_tokenizer
from transformers import GenerationConfig

from llmtrain_api.families import Family
from llmtrain_api.spec.model import Model
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.models.recipe import new_recipe
from llmtrain_trainer.models.stored import load_model, save_model
from llmtrain_trainer.models.tokenizer import generation_config, stored_generation_config


@pytest.mark.parametrize("family", Family)
def test_the_special_tokens_are_the_tokenizers(tmp_path: Path, family: Family) -> None:
    workspace = Workspace(tmp_path)
    write_tokens(workspace)
    shape = Model(family=family, layers=1, hidden_size=8, heads=2)
    build = new_recipe(shape, vocabulary_size=VOCABULARY_SIZE, context_length=16).build
    target = workspace.model("pretrained")
    weights: dict[str, object] = dict(build().named_parameters())
    save_model(build, weights, tokenizer=workspace.tokenizer, target=target)
    config, generation = (
        json.loads((target / name).read_text())
        for name in ("config.json", "generation_config.json")
    )
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    assert [config[name] for name in names] == [0, 0, 1]
    assert [generation[name] for name in names] == [0, [0], 1]


def test_a_pretrained_model_keeps_what_was_not_asked_for(tmp_path: Path) -> None:
    start, target = tmp_path / "start", tmp_path / "trained"
    model = tiny_model()
    model.config.attention_dropout = 0.25
    model.config.eos_token_id = [0, 9]
    model.generation_config = GenerationConfig(
        eos_token_id=[0, 9], temperature=0.6, top_p=0.9, do_sample=True
    )
    model.save_pretrained(start)
    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(start)
    weights: dict[str, object] = dict(model.named_parameters())
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    save_model(lambda: load_model(start), weights, tokenizer=tmp_path / "tokenizer", target=target)
    before, after = (json.loads((each / "config.json").read_text()) for each in (start, target))
    assert after == before
    saved = stored_generation_config(target, tokenizer)
    assert (saved.temperature, saved.top_p, saved.do_sample) == (0.6, 0.9, True)
    assert saved.eos_token_id == [0, 9]


def test_ends_of_another_tokenizer_are_not_kept() -> None:
    config = generation_config(tiny_tokenizer(), GenerationConfig(eos_token_id=50256, top_k=7))
    assert (config.eos_token_id, config.pad_token_id, config.top_k) == ([0], 3, 7)


def test_settings_of_sampling_that_could_not_be_saved_sample(tmp_path: Path) -> None:
    own = GenerationConfig(temperature=0.6)
    generation_config(tiny_tokenizer(), own).save_pretrained(tmp_path)
    assert GenerationConfig.from_pretrained(tmp_path).do_sample
