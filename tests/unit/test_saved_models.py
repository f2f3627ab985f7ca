"""A saved model says where a text begins and ends, as its tokenizer has it."""

import json
from pathlib import Path

import pytest
from support.tiny_job import VOCABULARY_SIZE, write_tokens

from llmtrain_api.spec.model import Family, Model
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.models.recipe import new_recipe
from llmtrain_trainer.models.save import save_model


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
