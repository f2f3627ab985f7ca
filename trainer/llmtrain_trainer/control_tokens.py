"""Control tokens: those of our tokenizers, and text that only mentions one.

A tokenizer replaces every `<|endoftext|>` in its input by the control token, whoever wrote it. Here
the control tokens of a copy get private names. What the copy then finds in a text is text, and
whoever writes a private name gets the control token.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from llmtrain_trainer.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

END_OF_TEXT = "<|endoftext|>"
PADDING = "<|pad|>"
MESSAGE_START = "<|im_start|>"
MESSAGE_END = "<|im_end|>"

SPECIAL_TOKENS = (END_OF_TEXT, PADDING, MESSAGE_START, MESSAGE_END)
"""Special tokens of every vocabulary that we learn. The last two are ChatML's: reserved from the
start, so that fine-tuning on conversations needs no new rows in the embedding."""


Span = tuple[int, int]
"""Characters of a text: from, up to but not including."""

_SHORTEST_NAME = 2
"""A shorter name, such as `!`, is ordinary text as well."""


def control_names(added_tokens: Iterable[tuple[str, bool]]) -> list[str]:
    """The control tokens among the added tokens of a tokenizer.

    Tokens such as `<think>` are not special, and a data set may hold them in its text.

    Args:
        added_tokens: the content of each, and whether it is special.
    """
    return [
        content
        for content, special in added_tokens
        if special and len(content.strip()) >= _SHORTEST_NAME
    ]


def end_of_text_id(tokenizer: "PreTrainedTokenizerBase") -> int:
    """The token that closes a document: the end of text, or BERT's separator.

    Raises:
        UserError: the tokenizer has neither.
    """
    for token in (tokenizer.eos_token_id, tokenizer.sep_token_id):
        if token is not None:
            return int(token)
    raise UserError(
        "the tokenizer has no end-of-text token; set eos_token in its tokenizer_config.json",
        reason="InvalidTokenizer",
    )


@dataclass(frozen=True)
class TextTokens:
    """A text as tokens."""

    ids: list[int]
    offsets: list[Span]
    """Characters of each token."""


class TextTokenizer:
    """A tokenizer that finds no control token in a text, except by its private name.

    Args:
        tokenizer_json: content of a `tokenizer.json`.
    """

    def __init__(self, tokenizer_json: str) -> None:
        state = json.loads(tokenizer_json)
        added = state["added_tokens"]
        names = control_names((token["content"], token["special"]) for token in added)
        self.controls: dict[str, int] = {
            token["content"]: token["id"] for token in added if token["content"] in names
        }
        """The id of each control token."""
        prefix = secrets.token_hex(8)  # an unpredictable name cannot occur in a text
        self.private_names: dict[str, str] = {
            name: f"{prefix}x{number}x" for name, number in self.controls.items()
        }
        """Private names by control token."""
        _rename(state, self.private_names)
        self._backend = Tokenizer.from_str(json.dumps(state))
        self._backend.no_truncation()
        self._backend.no_padding()
        # A token that was renamed may have got another number in the copy.
        found = ((self._backend.token_to_id(token["content"]), token["id"]) for token in added)
        self._numbers = {copied: original for copied, original in found if copied != original}

    def encode(self, texts: Sequence[str]) -> list[TextTokens]:
        """Encode texts, without the tokens that a tokenizer adds at their ends."""
        encodings = self._backend.encode_batch(list(texts), add_special_tokens=False)
        return [TextTokens(self._original(each.ids), each.offsets) for each in encodings]

    def encode_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The same without the characters of each token, which takes less time."""
        encodings = self._backend.encode_batch_fast(list(texts), add_special_tokens=False)
        return [self._original(each.ids) for each in encodings]

    def _original(self, ids: list[int]) -> list[int]:
        if not self._numbers:
            return ids
        return [self._numbers.get(number, number) for number in ids]


def _rename(state: dict[str, Any], names: Mapping[str, str]) -> None:
    """Rename tokens in the state of a tokenizer, in place."""
    for token in state["added_tokens"]:
        token["content"] = names.get(token["content"], token["content"])
    model = state["model"]
    vocabulary = model["vocab"]
    if isinstance(vocabulary, list):  # Unigram: pairs of token and score
        model["vocab"] = [[names.get(token, token), score] for token, score in vocabulary]
        return
    if "merges" in model and vocabulary.keys() & names.keys():
        merged = _merged(model["merges"])  # what text is merged into must keep its name
        names = {token: name for token, name in names.items() if token not in merged}
    model["vocab"] = {names.get(token, token): number for token, number in vocabulary.items()}
    unknown = model.get("unk_token")
    model["unk_token"] = names.get(unknown, unknown)


def _merged(merges: Sequence[str | Sequence[str]]) -> set[str]:
    """All tokens that take part in merges."""
    pairs = (merge.split(" ") if isinstance(merge, str) else merge for merge in merges)
    return {token for left, right in pairs for token in (left, right, left + right)}
