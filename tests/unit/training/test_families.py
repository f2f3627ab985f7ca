"""For each family: the loss of packed and padded sequences is the one of transformers itself."""

from pathlib import Path
from typing import Any

import pytest
from support.tiny_model import tiny_tokenizer
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PretrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.models.stored import load_model, stored_config
from llmtrain_trainer.training.behaviour import Behaviour, observe, require_trainable

PACKS = [
    "arcee",
    "bitnet",
    "biogpt",
    "codegen",
    "cohere",
    "cohere2",
    "ctrl",
    "deepseek_v3",
    "diffllama",
    "ernie4_5",
    "exaone4",
    "falcon",
    "gemma",
    "gemma2",
    "gemma3_text",
    "gemma4_text",
    "glm",
    "glm4",
    "glm4_moe",
    "gpt2",
    "gpt_bigcode",
    "gpt_neo",
    "gpt_neox",
    "gpt_oss",
    "gptj",
    "granite",
    "granitemoe",
    "helium",
    "jetmoe",
    "lfm2",
    "llama",
    "llama4_text",
    "mistral",
    "mixtral",
    "mpt",
    "nanochat",
    "olmo",
    "olmo2",
    "olmo3",
    "olmoe",
    "opt",
    "persimmon",
    "phi",
    "phi3",
    "phimoe",
    "qwen2",
    "qwen2_moe",
    "qwen3",
    "qwen3_moe",
    "seed_oss",
    "smollm3",
    "stablelm",
    "starcoder2",
    "vaultgemma",
    "xglm",
]
UNPACKED = [
    "bamba",
    "bloom",
    "jamba",
    "mamba",
    "minimax",
    "nemotron_h",
    "openai-gpt",
    "qwen3_next",
    "recurrent_gemma",
    "rwkv",
]
"""Recurrent ones, and those that take no mask of separate documents."""
REFUSED = ["bart", "bert", "big_bird", "electra", "ernie", "mbart", "roberta"]
"""Encoders, and decoders whose own loss is not that of the next token."""
SPECIAL: dict[str, tuple[str, dict[str, Any]]] = {
    "mistral without a window": ("mistral", {"sliding_window": None}),
    "a window in the upper layers": (
        "qwen2",
        {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1},
    ),
    "local and global layers": (
        "gpt_neo",
        {"num_layers": 4, "attention_types": [[["global", "local"], 2]]},
    ),
    "shared heads": ("llama", {"num_key_value_heads": 1}),
    "long rope": (
        "phi3",
        {
            "rope_parameters": {
                "rope_type": "longrope",
                "rope_theta": 10000.0,
                "short_factor": [1.0] * 48,
                "long_factor": [2.0] * 48,
            }
        },
    ),
}


@pytest.mark.parametrize("family", PACKS)
def test_packed_and_padded_losses_are_those_of_transformers(family: str) -> None:
    assert observe(CONFIG_MAPPING[family]()) == Behaviour(None, None)


@pytest.mark.parametrize("name", SPECIAL)
def test_so_are_those_of_other_shapes(name: str) -> None:
    family, shape = SPECIAL[name]
    assert observe(CONFIG_MAPPING[family](**shape)) == Behaviour(None, None)


def test_every_family_is_one_that_transformers_has() -> None:
    assert {*PACKS, *UNPACKED, *REFUSED} <= set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


@pytest.mark.parametrize("family", UNPACKED)
def test_a_family_that_cannot_pack_trains_unpacked(family: str) -> None:
    config = CONFIG_MAPPING[family]()
    require_trainable(Path("model"), config, packing=False)
    with pytest.raises(UserError, match=r"model: .* set finetune\.packing: false$"):
        require_trainable(Path("model"), config, packing=True)


@pytest.mark.parametrize("family", REFUSED)
def test_what_is_no_decoder_is_refused(family: str) -> None:
    with pytest.raises(UserError, match=f"model: a model of the family {family} cannot be") as no:
        require_trainable(Path("model"), CONFIG_MAPPING[family](), packing=False)
    assert no.value.reason == "UnsuitableModel"


@pytest.mark.parametrize(
    ("family", "shape"),
    [
        ("lfm2", {"layer_types": ["conv", "full_attention"], "num_hidden_layers": 2}),
        ("falcon", {"alibi": True, "new_decoder_architecture": False}),
    ],
)
def test_a_shape_that_cannot_pack_trains_unpacked(family: str, shape: dict[str, Any]) -> None:
    config = CONFIG_MAPPING[family](**shape)
    require_trainable(Path("model"), config, packing=False)
    with pytest.raises(UserError, match="packing: false"):
        require_trainable(Path("model"), config, packing=True)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (CONFIG_MAPPING["gemma3"](), "reads more than text"),
        (CONFIG_MAPPING["t5"](), "no causal language model"),
        (CONFIG_MAPPING["olmoe"](output_router_logits=True), "output_router_logits: false"),
        (CONFIG_MAPPING["llama"](quantization_config={"quant_method": "fp8"}), "quantized"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_loss_here_would_leave_out_is_refused(
    config: PretrainedConfig, reason: str
) -> None:
    with pytest.raises(UserError, match=reason):
        require_trainable(Path("model"), config, packing=False)


def test_a_model_whose_experts_are_balanced_here_may_ask_for_it() -> None:
    config = CONFIG_MAPPING["mixtral"](output_router_logits=True)
    require_trainable(Path("model"), config, packing=True)


@pytest.mark.parametrize("family", ["gptj", "gpt_neo", "bloom"])
def test_a_family_without_fused_attention_is_loaded(tmp_path: Path, family: str) -> None:
    shape = {"num_layers": 2, "attention_types": [[["global", "local"], 1]]}
    config = CONFIG_MAPPING[family](
        vocab_size=320, hidden_size=16, num_attention_heads=2, rotary_dim=4, **shape
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    model = load_model(tmp_path)
    assert model.config.model_type == family
    require_trainable(tmp_path, stored_config(tmp_path), packing=False)
