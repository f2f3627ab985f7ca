"""Llama: rotary positions, RMSNorm, SwiGLU, no biases (Touvron et al. 2023)."""

from dataclasses import replace

from llmtrain_api.families.gated import LIKE_LLAMA, LLAMA_KEYS, GatedFamily


class Llama(GatedFamily):
    """The models of `transformers.LlamaForCausalLM`."""

    name = "llama"
    vllm_architecture = "LlamaForCausalLM"
    is_in_previous = True
    keys = replace(LLAMA_KEYS, feed_forward_bias="mlp_bias")
    tied_by_default = False
    tensor_split = LIKE_LLAMA
