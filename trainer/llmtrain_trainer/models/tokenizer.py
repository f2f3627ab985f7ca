"""The tokenizer beside a model, and the ids with which its texts begin and end.

A config's own defaults are those of the family's first model, whose text may end at token 50256. A
pretrained model keeps what its makers wrote, as long as its tokenizer is still the one that they
meant.
"""

from copy import deepcopy
from pathlib import Path

from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from llmtrain_trainer.conversations.template import end_of_turn_ids
from llmtrain_trainer.errors import UserError, in_one_line


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The Hugging Face tokenizer in a folder.

    Raises:
        UserError: there is none, or none that `tokenizers` can run.
    """
    from transformers import AutoTokenizer

    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; it should hold a Hugging Face tokenizer")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # whatever a stranger's file makes of the library
        raise UserError(
            f"{folder}: no tokenizer can be loaded from it: {in_one_line(error)}; "
            "it should hold tokenizer.json and tokenizer_config.json"
        ) from error
    if not tokenizer.is_fast:
        raise UserError(
            f"{folder}: the tokenizer has no tokenizer.json; convert it with "
            "`AutoTokenizer.from_pretrained(...).save_pretrained(...)`"
        )
    return tokenizer


def adopt_special_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Give a model the special tokens of its tokenizer; they are saved with it."""
    same = tokenizer.eos_token_id in _ids(model.config.eos_token_id)
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        own, wanted = getattr(model.config, name), getattr(tokenizer, name)
        if not same or (wanted is not None and wanted not in _ids(own)):
            setattr(model.config, name, wanted)
    model.generation_config = generation_config(tokenizer, model.generation_config)


def stored_generation_config(folder: Path, tokenizer: PreTrainedTokenizerBase) -> GenerationConfig:
    """The generation config of a stored model, or else one made from its tokenizer."""
    try:
        own = GenerationConfig.from_pretrained(folder)
    except OSError:
        own = None
    return generation_config(tokenizer, own)


def generation_config(
    tokenizer: PreTrainedTokenizerBase, own: GenerationConfig | None
) -> GenerationConfig:
    """Make every library stop generation at the end of a turn or text by default.

    Args:
        tokenizer: tokenizer of the model.
        own: what the model says of generation; its settings of sampling are kept.
    """
    ends = end_of_turn_ids(tokenizer)
    config = deepcopy(own) if own is not None else GenerationConfig()
    stated = _ids(config.eos_token_id)
    if not stated & set(ends):  # made for another tokenizer, or not made for any
        stated = set()
        config.bos_token_id = config.pad_token_id = None
    config.eos_token_id = [*ends, *sorted(stated - set(ends))] or None
    if tokenizer.bos_token_id is not None:
        config.bos_token_id = tokenizer.bos_token_id
    if tokenizer.pad_token_id is not None:
        config.pad_token_id = tokenizer.pad_token_id
    elif config.pad_token_id is None:
        config.pad_token_id = next(iter(ends), None)
    config._from_model_config = False  # noqa: SLF001 - otherwise the library derives it again
    try:
        config.validate(strict=True)
    except ValueError:  # it sets how to sample, but not that it does: it could not be saved
        config.do_sample = True
    return config


def _ids(value: int | list[int] | None) -> set[int]:
    if value is None:
        return set()
    return {value} if isinstance(value, int) else set(value)
