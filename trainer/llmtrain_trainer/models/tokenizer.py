"""Loads the tokenizer that lies beside a model."""

from pathlib import Path

from transformers import PreTrainedTokenizerBase

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
