"""A tokenizer that somebody else made."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_trainer.control_tokens import end_of_text_id
from llmtrain_trainer.errors import UserError, neither_folder_nor_hub

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_log = logging.getLogger(__name__)


def load_pretrained(path: str, *, field: str, inputs: Path) -> "PreTrainedTokenizerFast":
    """Load a tokenizer; no code of its own is run.

    Args:
        path: a folder, or a name on the Hugging Face hub.
        field: the manifest's field that names it, for messages.
        inputs: where a relative folder starts.

    Raises:
        UserError: it cannot be found or loaded, or has no token that ends a text.
    """
    from transformers import AutoTokenizer

    folder = inputs / path
    source = str(folder) if folder.is_dir() else path
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except Exception as error:  # the parser and the hub's client raise anything
        _log.info("%s %s cannot be loaded", field, path, exc_info=True)
        wanted = f"a folder below {inputs} with a tokenizer.json"
        message = neither_folder_nor_hub(f"{field} {path}", error, wanted=wanted)
        raise UserError(message, reason="InvalidTokenizer") from error
    if not tokenizer.is_fast:
        raise UserError(
            f"{field} {path}: it has no tokenizer.json; save it with "
            "transformers' fast tokenizer first",
            reason="InvalidTokenizer",
        )
    end_of_text_id(tokenizer)
    return tokenizer
