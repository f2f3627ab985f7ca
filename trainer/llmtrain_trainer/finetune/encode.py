"""Conversations as tokens, and which of these the assistant wrote.

The tokens are those of `apply_chat_template`. Its own mask is not used: it takes one token for
each character, and so misses the rest where a character needs several (an emoji at the end of an
answer), and it is empty for templates without `{% generation %}`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jinja2 import TemplateError
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.finetune.conversation import Conversation, Message

_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")
Span = tuple[int, int]
"""Characters of a text: from, up to but not including."""


@dataclass(frozen=True)
class Encoded:
    """A conversation as tokens; both of shape (num_tokens,)."""

    tokens: NDArray[np.uint32]
    counts: NDArray[np.bool_]
    """Whether the assistant wrote this token, so that its prediction counts."""


def encode(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> Encoded:
    """One conversation as tokens."""
    return encode_all(tokenizer, [Conversation(list(messages), "conversation")])[0]


def encode_all(
    tokenizer: PreTrainedTokenizerBase, conversations: Sequence[Conversation]
) -> list[Encoded]:
    """Conversations as tokens.

    Args:
        tokenizer: with a chat template, and with offsets (a fast one).
        conversations: at least one.

    Raises:
        UserError: the tokenizer's own template cannot write a conversation, or does not show
            which part of its text is the assistant's.
    """
    rendered = [_render(tokenizer, conversation) for conversation in conversations]
    encodings = tokenizer(
        [text for text, _ in rendered], add_special_tokens=False, return_offsets_mapping=True
    )
    return [
        Encoded(np.array(ids, dtype=np.uint32), _in_spans(offsets, spans))
        for ids, offsets, (_, spans) in zip(
            encodings["input_ids"], encodings["offset_mapping"], rendered, strict=True
        )
    ]


def _render(
    tokenizer: PreTrainedTokenizerBase, conversation: Conversation
) -> tuple[str, list[Span]]:
    """The text of a conversation, and what of it is the assistant's."""
    template: str = tokenizer.get_chat_template()
    try:
        if _GENERATION.search(template):
            return _render_marked(tokenizer, template, conversation.messages)
        return _render_unmarked(tokenizer, conversation)
    except TemplateError as error:
        raise UserError(
            f"{conversation.place}: the tokenizer's chat template refuses this conversation: "
            f"{error}",
            reason="InvalidData",
        ) from error


def _render_marked(
    tokenizer: PreTrainedTokenizerBase, template: str, messages: list[Message]
) -> tuple[str, list[Span]]:
    from transformers.utils.chat_template_utils import render_jinja_template

    texts, spans = render_jinja_template(
        [messages],
        chat_template=template,
        return_assistant_tokens_mask=True,
        **tokenizer.special_tokens_map,
    )
    return texts[0], [(int(start), int(end)) for start, end in spans[0]]


def _render_unmarked(
    tokenizer: PreTrainedTokenizerBase, conversation: Conversation
) -> tuple[str, list[Span]]:
    """By comparing the text before and after each turn of the assistant."""
    messages = conversation.messages
    text: str = tokenizer.apply_chat_template(messages, tokenize=False)
    spans = []
    for number, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before: str = tokenizer.apply_chat_template(
            messages[:number], tokenize=False, add_generation_prompt=True
        )
        after: str = tokenizer.apply_chat_template(messages[: number + 1], tokenize=False)
        end = len(after.rstrip())
        if not (text.startswith(before) and text.startswith(after[:end])):
            raise UserError(
                f"{conversation.place}: the tokenizer's chat template writes a turn differently "
                "when others follow, so the assistant's part cannot be found; put "
                "{% generation %} and {% endgeneration %} around it in the template"
            )
        spans.append((len(before), end))
    return text, spans


def _in_spans(offsets: Sequence[Span], spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Whether each token carries a character of a span.

    Args:
        offsets: characters of each token; an empty range where a tokenizer leaves out spaces.
        spans: characters that count.
    """
    places = np.array(offsets, dtype=np.int64).reshape(-1, 2)
    inside = np.zeros(len(places), dtype=np.bool_)
    for start, end in spans:
        inside |= (places[:, 1] > start) & (places[:, 0] < end)
    return inside
