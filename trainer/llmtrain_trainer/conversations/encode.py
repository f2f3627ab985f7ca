"""Conversations as tokens, and which of these the assistant wrote.

The tokens are those of `apply_chat_template`. Its own mask is not used: it takes one token for
each character, and so misses the rest where a character needs several (an emoji at the end of an
answer), and it is empty for templates without `{% generation %}`.

What a message says is text, also where it looks like a control token: only the template writes
control tokens. So a user cannot end his turn and begin one of the system, and an answer that
mentions `<|im_end|>` does not teach the model to stop in the middle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from llmtrain_trainer.control_tokens import (
    Span,
    TextTokenizer,
    TextTokens,
    control_names,
)
from llmtrain_trainer.conversations.control_marks import ControlMarks
from llmtrain_trainer.conversations.conversation import Conversation, Message
from llmtrain_trainer.conversations.rendering import Rendered, render_conversation, render_prompt
from llmtrain_trainer.errors import UserError


@dataclass(frozen=True)
class Encoded:
    """A conversation as tokens; both of shape (num_tokens,)."""

    tokens: NDArray[np.uint32]
    counts: NDArray[np.bool_]
    """Whether the assistant wrote this token, so that its prediction counts."""


class ChatEncoder:
    """Writes conversations as tokens, by the chat template of a tokenizer.

    Args:
        tokenizer: with a chat template, and with offsets (a fast one).
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        added = tokenizer.added_tokens_decoder.values()
        names = control_names((token.content, token.special) for token in added)
        self._marks = ControlMarks(names, tokenizer.get_chat_template())

    @cached_property
    def _text_tokenizer(self) -> TextTokenizer:
        return TextTokenizer(self._tokenizer.backend_tokenizer.to_str())

    def encode(self, conversations: Sequence[Conversation]) -> list[Encoded]:
        """Conversations as tokens.

        Raises:
            UserError: the template refuses a conversation, or does not show which part of its text
                is the assistant's.
        """
        plain: list[tuple[int, Rendered]] = []
        found: dict[int, Encoded] = {}
        for number, each in enumerate(conversations):
            marked, mark = self._marks.mark(each)
            rendered = render_conversation(self._tokenizer, marked)
            if mark:
                found[number] = _encoded(*self._encode_marked(rendered, mark, each.place))
            else:
                plain.append((number, rendered))
        tokens = self._encode_plain([rendered.text for _, rendered in plain])
        for (number, rendered), each_tokens in zip(plain, tokens, strict=True):
            found[number] = _encoded(each_tokens, rendered.spans)
        return [found[number] for number in range(len(conversations))]

    def try_template(self, conversations: Sequence[Conversation]) -> None:
        """Write conversations as text alone.

        Raises:
            UserError: as `encode`.
        """
        for each in conversations:
            render_conversation(self._tokenizer, self._marks.mark(each)[0])

    def encode_prompt(self, messages: Sequence[Message], place: str = "prompt") -> list[int]:
        """A conversation up to where the assistant's next turn begins, as tokens.

        Args:
            messages: the conversation so far.
            place: where it was read, for error messages.

        Raises:
            UserError: the template refuses the conversation.
        """
        marked, mark = self._marks.mark(Conversation(list(messages), place))
        text = render_prompt(self._tokenizer, marked)
        if mark:
            return self._encode_marked(Rendered(text, []), mark, place)[0].ids
        return self._encode_plain([text])[0].ids

    def _encode_plain(self, texts: list[str]) -> list[TextTokens]:
        if not texts:
            return []
        encodings = self._tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
        pairs = zip(encodings["input_ids"], encodings["offset_mapping"], strict=True)
        return [TextTokens(ids, offsets) for ids, offsets in pairs]

    def _encode_marked(
        self, rendered: Rendered, mark: str, place: str
    ) -> tuple[TextTokens, list[Span]]:
        names = self._text_tokenizer.private_names
        unmarked = self._marks.unmark(rendered, mark, names)
        tokens = self._text_tokenizer.encode([unmarked.text])[0]
        written = sum(unmarked.text.count(name) for name in names.values())
        controls = {*self._text_tokenizer.controls.values()} - {self._tokenizer.unk_token_id}
        if sum(number in controls for number in tokens.ids) > written:
            raise UserError(
                f"{place}: a control token is mentioned in a message, and the tokenizer makes the "
                "control token of plain text too; remove it from the message",
                reason="InvalidData",
            )
        return tokens, unmarked.spans


def _encoded(tokens: TextTokens, spans: Sequence[Span]) -> Encoded:
    """A conversation whose tokens count where they carry a character of a span."""
    places = np.array(tokens.offsets, dtype=np.int64).reshape(-1, 2)
    inside = np.zeros(len(places), dtype=np.bool_)
    for start, end in spans:
        inside |= (places[:, 1] > start) & (places[:, 0] < end)
    return Encoded(np.array(tokens.ids, dtype=np.uint32), inside)
