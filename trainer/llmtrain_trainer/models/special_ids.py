"""Where a text begins and ends, for every program that loads a model of ours.

A config's own defaults are those of the family's first model: GPT-2 ends at 50256.
"""

from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from llmtrain_trainer.finetune.template import end_of_turn_ids


def adopt_special_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Give a model the special tokens of its tokenizer; they are saved with it."""
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        setattr(model.config, name, getattr(tokenizer, name))
    model.generation_config = generation_config(tokenizer)


def generation_config(tokenizer: PreTrainedTokenizerBase) -> GenerationConfig:
    """Whoever generates stops at the end of a turn, or of the text, without being told."""
    ends = end_of_turn_ids(tokenizer)
    padding = tokenizer.pad_token_id
    return GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=ends or None,
        pad_token_id=next(iter(ends), None) if padding is None else padding,
    )
