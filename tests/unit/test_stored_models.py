"""A model folder that is damaged is said to be, and never filled up with random weights."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from support.tiny_model import save_tiny

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.models.stored import load_model, require_model


def _config(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def _broken_json(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type":')


def _cut_off(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def _a_weight_less(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    del weights["model.norm.weight"]
    save_file(weights, path, metadata={"format": "pt"})


def _a_shard_less(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    names = {"model.norm.weight": "model-00002-of-00002.safetensors"}
    index = {"metadata": {}, "weight_map": names}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_broken_json, r"config\.json: the model cannot be loaded: .*not a valid JSON file"),
        (_config(model_type="nope"), r"config\.json: .*`nope`"),
        (_config(hidden_size="wide"), r"config\.json: .*'hidden_size' expected int"),
        (_config(model_type="t5"), r"model: the model cannot be loaded: .*T5Config"),
        (_cut_off, r"model\.safetensors: the model cannot be loaded: .*not fully covered"),
        (_a_weight_less, r"the weights lack model\.norm\.weight"),
        (_a_shard_less, r"model-00002-of-00002\.safetensors"),
        (
            _config(vocab_size=100),
            r"do not suit config\.json: model\.embed_tokens\.weight is \(320, 16\) instead",
        ),
    ],
)
def test_the_file_and_the_fault_are_named(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    folder = save_tiny(tmp_path / "model")
    damage(folder)
    with pytest.raises(UserError, match=message) as error:
        load_model(folder, dropout=0.0)
    assert "\n" not in error.value.message
    assert error.value.reason == "InvalidModel"


def test_a_whole_model_is_loaded(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "model")
    require_model(folder)
    assert load_model(folder, dropout=0.5).config.attention_dropout == 0.5
