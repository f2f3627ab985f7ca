"""The text that a chat template writes for a conversation, and which part the assistant wrote."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from transformers import PreTrainedTokenizerBase

from llmtrain_trainer.control_tokens import Span
from llmtrain_trainer.conversations.conversation import Conversation, Message
from llmtrain_trainer.errors import UserError, in_one_line

_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")
_PLACEHOLDER = "llmtrain-first-answer"


@dataclass(frozen=True)
class Rendered:
    """The text of a conversation."""

    text: str
    spans: list[Span]
    """The assistant's part of the text: what it says, and the ends of its turns."""

    @property
    def answers(self) -> str:
        """The assistant's part of the text."""
        return "".join(self.text[start:end] for start, end in self.spans)


def render_prompt(tokenizer: PreTrainedTokenizerBase, conversation: Conversation) -> str:
    """The text up to where the assistant's next turn begins.

    Args:
        tokenizer: with a chat template.
        conversation: up to there.

    Raises:
        UserError: the template refuses the conversation.
    """
    return _render(tokenizer, conversation, prompt=True).text


def render_conversation(tokenizer: PreTrainedTokenizerBase, conversation: Conversation) -> Rendered:
    """The text of a whole conversation.

    Args:
        tokenizer: with a chat template.
        conversation: with an answer of the assistant.

    Raises:
        UserError: the template refuses the conversation, leaves a part of it out, or does not show
            which part of its text is the assistant's.
    """
    if marks_answers(tokenizer, conversation):
        rendered = _render(tokenizer, conversation, marks=True)
    else:
        rendered = _compare_turns(tokenizer, conversation)
    for part, text in _parts(conversation):
        if text not in rendered.text and json.dumps(text, ensure_ascii=False)[1:-1] not in (
            rendered.text
        ):
            raise UserError(
                f"{conversation.place}: the chat template of {tokenizer.name_or_path} does not "
                f"write {part}: {text!r:.80}; use a template that does, or remove it",
                reason="InvalidData",
            )
    return rendered


def marks_answers(tokenizer: PreTrainedTokenizerBase, conversation: Conversation) -> bool:
    """Whether the template marks what the assistant says with `{% generation %}`."""
    return _GENERATION.search(_template(tokenizer, conversation)) is not None


def _parts(conversation: Conversation) -> Iterator[tuple[str, str]]:
    """The parts that a template must show, each with its name for an error message.

    Answers are not looked for: some templates rightly leave out what the assistant thought.
    """
    for message in conversation.messages:
        if message["role"] in {"system", "developer", "tool"}:
            yield f"what the role {message['role']} says", message.get("content", "").strip()
        for call in message.get("tool_calls", ()):
            yield "the call of the tool", call["function"]["name"]
    for tool in conversation.tools:
        yield "the tool", str(tool.get("function", tool).get("name", ""))


def _template(tokenizer: PreTrainedTokenizerBase, conversation: Conversation) -> str:
    """The chat template; some tokenizers have another one for tools."""
    try:
        template = tokenizer.get_chat_template(tools=conversation.tools or None)
    except ValueError as error:
        raise _no_template(tokenizer, in_one_line(error)) from error
    if not isinstance(template, str):
        raise _no_template(tokenizer, f"it must be text; found {template!r:.80}")
    return template


def _no_template(tokenizer: PreTrainedTokenizerBase, fault: str) -> UserError:
    return UserError(
        f"{tokenizer.name_or_path}: no chat template can be used: {fault}; correct chat_template "
        "in tokenizer_config.json, or remove it",
        reason="InvalidChatTemplate",
    )


def _render(
    tokenizer: PreTrainedTokenizerBase,
    conversation: Conversation,
    *,
    prompt: bool = False,
    marks: bool = False,
) -> Rendered:
    from transformers.utils.chat_template_utils import render_jinja_template

    template = _template(tokenizer, conversation)
    messages = conversation.messages
    if "developer" not in template:
        messages = [_as_system(message) for message in messages]
    try:
        texts, spans = render_jinja_template(
            [messages],
            tools=conversation.tools or None,
            chat_template=template,
            add_generation_prompt=prompt,
            return_assistant_tokens_mask=marks,
            **tokenizer.special_tokens_map,
        )
    except Exception as error:  # a template is a program of somebody else
        raise UserError(
            f"{conversation.place}: the chat template of {tokenizer.name_or_path} refuses this "
            f"conversation: {in_one_line(error)}",
            reason="InvalidData",
        ) from error
    found = [(int(start), int(end)) for start, end in spans[0]] if marks else []
    return Rendered(texts[0], found)


def _as_system(message: Message) -> Message:
    """A message of the developer, for templates that do not know this newer name of the system."""
    return {**message, "role": "system"} if message["role"] == "developer" else message


def _compare_turns(tokenizer: PreTrainedTokenizerBase, conversation: Conversation) -> Rendered:
    """Find the assistant's turns by comparing the text before and after each of them."""
    messages = conversation.messages
    text = _render(tokenizer, conversation).text
    spans = []
    for number, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        if number:
            earlier = replace(conversation, messages=messages[:number])
            before = render_prompt(tokenizer, earlier)
        else:
            before = _before_first_answer(tokenizer, conversation)
        later = replace(conversation, messages=messages[: number + 1])
        after = _render(tokenizer, later).text
        end = len(after.rstrip())
        if not (text.startswith(before) and text.startswith(after[:end])):
            raise UserError(
                f"{conversation.place}: the chat template of {tokenizer.name_or_path} writes a "
                "turn differently when others follow, so the assistant's part cannot be found; put "
                "{% generation %} and {% endgeneration %} around it in the template",
                reason="InvalidChatTemplate",
            )
        spans.append((len(before), end))
    return Rendered(text, spans)


def _before_first_answer(tokenizer: PreTrainedTokenizerBase, conversation: Conversation) -> str:
    """The text before the answer of an assistant that begins a conversation.

    Templates are not made for a prompt without any message.
    """
    first = [Message(role="assistant", content=_PLACEHOLDER)]
    text = _render(tokenizer, replace(conversation, messages=first)).text
    return text.partition(_PLACEHOLDER)[0]
