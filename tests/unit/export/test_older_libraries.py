"""An exported folder has the names that `transformers` 4 knows, and means the same to version 5."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.later_stage_context import stage_context
from support.tiny_model import CHATML_TOKENS, save_tiny, tiny_tokenizer
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerFast

from llmtrain_api.stages import Stage
from llmtrain_trainer.export.older_libraries import write_for_older_libraries
from llmtrain_trainer.export.stage import exported_model

_TEXT = "The <|im_start|>fox<|im_end|><|endoftext|>"


def _chat_tokenizer() -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=tiny_tokenizer().backend_tokenizer,
        eos_token=CHATML_TOKENS[0],
        pad_token=CHATML_TOKENS[3],
        extra_special_tokens=list(CHATML_TOKENS[1:3]),
    )


def test_the_exported_tokenizer_is_named_as_version_4_knows_it(tmp_path: Path) -> None:
    line = {"model": {"layers": 2, "hiddenSize": 16, "heads": 2}, "pretrain": {}}
    context = stage_context(tmp_path, Stage.EXPORT, **line, export={})
    tokenizer = _chat_tokenizer()
    save_tiny(context.workspace.model("pretrained"), tokenizer=tokenizer)
    folder = context.workspace.export
    folder.mkdir(parents=True)
    exported_model(context).make(folder)
    written = json.loads((folder / "tokenizer_config.json").read_bytes())
    assert written["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert written["additional_special_tokens"] == list(CHATML_TOKENS[1:3])
    assert "extra_special_tokens" not in written  # version 4 takes no list there
    again = AutoTokenizer.from_pretrained(folder)
    assert type(again) is type(tokenizer)
    assert again.all_special_tokens == tokenizer.all_special_tokens
    assert again.encode(_TEXT) == tokenizer.encode(_TEXT)
    assert again.decode(again.encode(_TEXT), skip_special_tokens=True) == "The fox"


def _folder(path: Path, model_type: str, **fields: Any) -> Path:
    AutoConfig.for_model(
        model_type, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, **fields
    ).save_pretrained(path)
    _chat_tokenizer().save_pretrained(path)
    return path


@pytest.mark.parametrize(
    ("model_type", "positions", "old"),
    [
        ("llama", {"rope_theta": 5e5}, {"rope_theta": 5e5}),
        (
            "gpt_neox",
            {"rope_theta": 2e4, "partial_rotary_factor": 0.5},
            {"rotary_emb_base": 2e4, "rotary_pct": 0.5},
        ),
    ],
)
def test_rotary_positions_have_their_old_names_too(
    tmp_path: Path, model_type: str, positions: dict[str, float], old: dict[str, float]
) -> None:
    folder = _folder(tmp_path, model_type, rope_parameters=positions | {"rope_type": "default"})
    before = AutoConfig.from_pretrained(folder)
    write_for_older_libraries(folder)
    written = json.loads((folder / "config.json").read_bytes())
    assert {name: written[name] for name in old} == old
    after = AutoConfig.from_pretrained(folder)
    assert after.rope_parameters == before.rope_parameters
    assert after.rope_parameters["rope_theta"] == positions["rope_theta"]


def test_so_have_those_of_each_kind_of_layer(tmp_path: Path) -> None:
    positions = {
        "full_attention": {"rope_type": "default", "rope_theta": 5e5},
        "sliding_attention": {"rope_type": "default", "rope_theta": 2e4},
    }
    folder = _folder(tmp_path, "gemma3_text", rope_parameters=positions)
    write_for_older_libraries(folder)
    written = json.loads((folder / "config.json").read_bytes())
    assert (written["rope_theta"], written["rope_local_base_freq"]) == (5e5, 2e4)
    assert AutoConfig.from_pretrained(folder).rope_parameters == positions


def test_the_number_of_experts_has_its_old_name_too(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "qwen3_moe", num_experts=4, rope_parameters=None)
    write_for_older_libraries(folder)
    assert json.loads((folder / "config.json").read_bytes())["num_experts"] == 4
    assert AutoConfig.from_pretrained(folder).num_experts == 4


def test_positions_without_old_names_stay_closed_to_version_4(tmp_path: Path) -> None:
    """Version 4 would pass over them; it refuses the tokenizer's class."""
    linear = {"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0}
    folder = _folder(tmp_path, "llama", rope_parameters=linear)
    write_for_older_libraries(folder)
    written = json.loads((folder / "tokenizer_config.json").read_bytes())
    assert written["tokenizer_class"] == "TokenizersBackend"
    assert "rope_theta" not in json.loads((folder / "config.json").read_bytes())
