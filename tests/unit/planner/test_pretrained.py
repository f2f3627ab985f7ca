"""The shape of a pretrained model, read from the config.json that transformers writes."""

import json
from pathlib import Path

import pytest
from support.architectures import key_value_heads

from llmtrain_api.families import Family
from llmtrain_api.spec.model import Model
from llmtrain_planner.architecture import PlanError, architecture_from_config, resolve_architecture
from llmtrain_trainer.models.config import model_config

BOTH = (True, False)


@pytest.mark.parametrize(
    ("family", "key_value_heads", "tie_embeddings"),
    [(family, n, tied) for family in Family for n in key_value_heads(family, 4) for tied in BOTH],
)
def test_a_saved_config_gives_the_shape_back(
    *, family: Family, key_value_heads: int, tie_embeddings: bool, tmp_path: Path
) -> None:
    model = Model(
        family=family,
        layers=2,
        hidden_size=64,
        heads=4,
        key_value_heads=key_value_heads,
        tie_embeddings=tie_embeddings,
    )
    shape = resolve_architecture(model, vocabulary_size=50300, context_length=128)
    model_config(shape, dropout=0.0).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert architecture_from_config(config) == shape


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "mamba"}, "model_type is 'mamba'; supported are gpt2, llama"),
        ({"hidden_size": None}, "hidden_size is missing"),
        ({"num_hidden_layers": "many"}, "num_hidden_layers must be a positive number"),
        ({"head_dim": 99}, "head_dim is 99; supported is .* 16"),
    ],
)
def test_another_shape_is_refused(change: dict[str, object], message: str) -> None:
    config: dict[str, object] = {
        "model_type": "llama",
        "num_hidden_layers": 2,
        "hidden_size": 64,
        "num_attention_heads": 4,
        "intermediate_size": 128,
        "vocab_size": 300,
        "max_position_embeddings": 128,
    }
    assert architecture_from_config(config).attention.key_value_heads == 4
    with pytest.raises(PlanError, match=message):
        architecture_from_config(config | change)
