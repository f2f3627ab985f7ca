"""A model folder that is damaged is said to be, and never filled up with random weights."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.tiny_model import save_tiny
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.models.config import set_dropout
from llmtrain_trainer.models.reduced import reduced_model
from llmtrain_trainer.models.stored import load_model, require_model
from llmtrain_trainer.models.tokenizer import load_tokenizer


def _config(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def _index(*names: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        index = {"metadata": {}, "weight_map": {f"w{n}": name for n, name in enumerate(names)}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    return change


def _adapters(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")


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
        (_index("model.safetensors", "pytorch_model.bin"), r"names 'pytorch_model\.bin', and only"),
        (_index("../other/model.safetensors"), r"names '\.\./other/model\.safetensors', and"),
        (_index("/etc/model.safetensors"), r"names '/etc/model\.safetensors', and only"),
        (_adapters, r"it holds adapters \(adapter_config\.json\)"),
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
        load_model(folder)
    assert "\n" not in error.value.message
    assert error.value.reason == "InvalidModel"


def test_a_whole_model_is_loaded(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "model")
    require_model(folder)
    assert load_model(folder, dropout=0.5).config.attention_dropout == 0.5


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"num_hidden_layers": 1}, r"more layers than config\.json says: model\.layers\.1\."),
        ({"pad_token_id": 99_999}, "Padding_idx must be within num_embeddings"),
        ({"dtype": "float99"}, r"config\.json: .*float99"),
        ({"num_attention_heads": 0}, r"config\.json: .*zero"),
        ({"max_position_embeddings": None}, r"config\.json: .*max_position_embeddings"),
    ],
)
def test_a_config_that_the_library_trips_over_is_named(
    tmp_path: Path, changes: dict[str, object], fault: str
) -> None:
    save_tiny(tmp_path)
    _config(**changes)(tmp_path)
    with pytest.raises(UserError, match=fault) as info:
        load_model(tmp_path)
    assert info.value.reason == "InvalidModel"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.json", "[]"),
        ("tokenizer.json", '{"version": "1.0", "added_tokens": [], "model": {"type": "None"}}'),
        ("tokenizer_config.json", "[]"),
        ("tokenizer_config.json", '{"tokenizer_class": 5}'),
        ("tokenizer_config.json", '{"eos_token": 5}'),
    ],
)
def test_a_tokenizer_that_the_library_trips_over_is_named(
    tmp_path: Path, name: str, content: str
) -> None:
    save_tiny(tmp_path)
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=r"no tokenizer can be loaded from it: .*; it should hold"):
        load_tokenizer(tmp_path)


def test_an_index_that_is_none_is_named(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "model")
    (folder / "model.safetensors.index.json").write_text("[]")
    with pytest.raises(UserError, match=r"index\.json: .* it is no index of weights"):
        load_model(folder)


@pytest.mark.parametrize(
    "family",
    ["bloom", "falcon", "gpt2", "gpt_neo", "gpt_neox", "gptj", "llama", "opt", "phi"],
)
def test_dropout_is_set_in_all_of_a_model(family: str) -> None:
    config = CONFIG_MAPPING[family]()
    set_dropout(config, 0.25)
    model = reduced_model(config)
    assert model is not None
    modules = [each for each in model.modules() if isinstance(each, torch.nn.Dropout)]
    assert {each.p for each in modules} <= {0.25}
    tokens = torch.arange(5, 21)[None]
    model.train()
    with torch.no_grad():
        first, second = (model(input_ids=tokens).logits for _ in range(2))
    assert not torch.equal(first, second)


def test_what_was_not_asked_for_stays(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "model")
    _config(attention_dropout=0.25)(folder)
    assert load_model(folder).config.attention_dropout == 0.25
    assert load_model(folder, dropout=0.0).config.attention_dropout == 0.0


def test_dropout_that_the_library_does_not_take_is_refused() -> None:
    with pytest.raises(ValueError, match=r"takes no 0\.25 for attn_pdrop of the family mpt"):
        set_dropout(CONFIG_MAPPING["mpt"](), 0.25)


def test_dropout_of_a_model_that_has_none_is_refused(tmp_path: Path) -> None:
    config = CONFIG_MAPPING["mamba"](hidden_size=8, num_hidden_layers=1, vocab_size=300)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"model\.dropout: a model of the family mamba has no"):
        load_model(tmp_path, dropout=0.1)
