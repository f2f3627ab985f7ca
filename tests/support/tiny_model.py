"""A model and a tokenizer so small that they are made, not loaded."""

from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEXT = (
    "The quick brown fox jumps over the lazy dog, and the dog does not mind at all.",
    "What does os.path.join do? It joins one or more path segments intelligently.",
    "Return the current file position. Raise an error when the file is closed.",
)
CHATML_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>")


def tiny_tokenizer(
    *, special_tokens: Iterable[str] = CHATML_TOKENS, vocabulary_size: int = 320
) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer; any text can be written with it.

    Args:
        special_tokens: the first is the end of text.
        vocabulary_size: at most; 256 bytes and the special tokens are always in it.
    """
    special = list(special_tokens)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        TEXT,
        trainers.BpeTrainer(
            vocab_size=vocabulary_size,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=special[0] if special else None,
        pad_token="<|pad|>" if "<|pad|>" in special else None,
    )


def tiny_model(
    *, vocabulary_size: int = 320, context_length: int = 64, seed: int = 0
) -> LlamaForCausalLM:
    """A llama with random weights in evaluation mode."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary_size,
        max_position_embeddings=context_length,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=3,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config).eval()


def save_tiny(
    folder: Path, *, tokenizer: PreTrainedTokenizerFast | None = None, **shape: int
) -> Path:
    """A Hugging Face folder with a tiny model and its tokenizer."""
    tiny_model(**shape).save_pretrained(folder)
    (tokenizer or tiny_tokenizer()).save_pretrained(folder)
    return folder
