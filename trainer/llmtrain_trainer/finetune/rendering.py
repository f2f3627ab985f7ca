"""The text that a chat template writes for a conversation, and which part the assistant wrote."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from llmtrain_trainer.errors import UserError, in_one_line
from llmtrain_trainer.finetune.conversation import Message
from llmtrain_trainer.tokenizer.control_tokens import Span

_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")
_PLACEHOLDER = "llmtrain-first-answer"


@dataclass(frozen=True)
class Rendered:
    """The text of a conversation."""

    text: str
    spans: list[Span]
    """The assistant's part of the text: what it says, and the ends of its turns."""


def render_prompt(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], place: str
) -> str:
    """The text up to where the assistant's next turn begins.

    Args:
        tokenizer: with a chat template.
        messages: the conversation so far.
        place: where the conversation was read, for error messages.

    Raises:
        UserError: the template refuses the conversation.
    """
    return _render(tokenizer, messages, place, prompt=True).text


def render_conversation(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], place: str
) -> Rendered:
    """The text of a whole conversation.

    Args:
        tokenizer: with a chat template.
        messages: the conversation.
        place: where it was read, for error messages.

    Raises:
        UserError: the template refuses the conversation, or does not show which part of its text
            is the assistant's.
    """
    if _GENERATION.search(tokenizer.get_chat_template()):
        return _render(tokenizer, messages, place, marks=True)
    return _compare_turns(tokenizer, messages, place)


def _render(
    tokenizer: PreTrainedTokenizerBase,
    messages: Sequence[Message],
    place: str,
    *,
    prompt: bool = False,
    marks: bool = False,
) -> Rendered:
    from transformers.utils.chat_template_utils import render_jinja_template

    try:
        texts, spans = render_jinja_template(
            [list(messages)],
            chat_template=tokenizer.get_chat_template(),
            add_generation_prompt=prompt,
            return_assistant_tokens_mask=marks,
            **tokenizer.special_tokens_map,
        )
    except Exception as error:  # a template is a program of somebody else
        raise UserError(
            f"{place}: the chat template of {tokenizer.name_or_path} refuses this conversation: "
            f"{in_one_line(error)}",
            reason="InvalidData",
        ) from error
    found = [(int(start), int(end)) for start, end in spans[0]] if marks else []
    return Rendered(texts[0], found)


def _compare_turns(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], place: str
) -> Rendered:
    """Find the assistant's turns by comparing the text before and after each of them."""
    text = _render(tokenizer, messages, place).text
    spans = []
    for number, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        if number:
            before = render_prompt(tokenizer, messages[:number], place)
        else:
            before = _before_first_answer(tokenizer, message, place)
        after = _render(tokenizer, messages[: number + 1], place).text
        end = len(after.rstrip())
        if not (text.startswith(before) and text.startswith(after[:end])):
            raise UserError(
                f"{place}: the chat template of {tokenizer.name_or_path} writes a turn differently "
                "when others follow, so the assistant's part cannot be found; put "
                "{% generation %} and {% endgeneration %} around it in the template",
                reason="InvalidChatTemplate",
            )
        spans.append((len(before), end))
    return Rendered(text, spans)


def _before_first_answer(tokenizer: PreTrainedTokenizerBase, message: Message, place: str) -> str:
    """What stands before the words of an assistant that begins a conversation.

    Templates are not made for a prompt without any message.
    """
    first = Message(role=message["role"], content=_PLACEHOLDER)
    before, _, _ = _render(tokenizer, [first], place).text.partition(_PLACEHOLDER)
    return before
