"""Tools and the developer's messages: written by the template, or refused with the line."""

import pytest
from support.tiny_model import tiny_tokenizer
from transformers import PreTrainedTokenizerFast

from llmtrain_trainer.conversations.conversation import Conversation, Message, ToolCall
from llmtrain_trainer.conversations.encode import ChatEncoder
from llmtrain_trainer.conversations.template import ensure_chat_template
from llmtrain_trainer.errors import UserError

PLAIN = (
    "{% for m in messages if m.role != 'tool' %}[{{ m.role }}] {{ m.content }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)
CALL = ToolCall(type="function", function={"name": "add", "arguments": {"a": 1, "b": "ü"}})
MESSAGES = [
    Message(role="user", content="What is 1 + 2?"),
    Message(role="assistant", tool_calls=[CALL]),
    Message(role="tool", content="3"),
    Message(role="assistant", content="It is 3."),
]
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {}}}]


def tokenizer_with(template: str | None) -> PreTrainedTokenizerFast:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    ensure_chat_template(tokenizer)
    return tokenizer


def texts(
    template: str | None, messages: list[Message], tools: list[dict[str, object]] | None = None
) -> tuple[str, str]:
    """The whole text, and the part of it that counts."""
    tokenizer = tokenizer_with(template)
    conversation = Conversation(messages, "a.jsonl: line 3", tools or [])
    encoded = ChatEncoder(tokenizer).encode([conversation])[0]
    whole: str = tokenizer.decode(encoded.tokens)
    return whole, tokenizer.decode(encoded.tokens[encoded.counts])


def test_chatml_writes_tools_and_their_calls() -> None:
    whole, counted = texts(None, [Message(role="system", content="Add."), *MESSAGES], TOOLS)
    assert whole.startswith(
        "<|im_start|>system\nAdd.\n\nThe tools that may be called:\n<tools>\n"
        '{"type": "function", "function": {"name": "add", "parameters": {}}}\n</tools><|im_end|>\n'
        "<|im_start|>user\nWhat is 1 + 2?<|im_end|>\n<|im_start|>assistant\n<tool_call>\n"
    )
    assert "<|im_start|>tool\n3<|im_end|>\n" in whole
    assert counted == (
        '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": "ü"}}\n</tool_call><|im_end|>'
        "It is 3.<|im_end|>"
    )


def test_several_calls_after_words_are_lines_of_their_own() -> None:
    message = Message(role="assistant", content="Wait.", tool_calls=[CALL, CALL])
    _, counted = texts(None, [MESSAGES[0], message])
    assert counted.count("\n<tool_call>\n") == 2
    assert counted.startswith("Wait.\n<tool_call>\n")


@pytest.mark.parametrize(
    ("messages", "tools", "message"),
    [
        (MESSAGES[1:], None, "does not write the call of the tool: 'add'"),
        (
            [Message(role="tool", content="three"), *MESSAGES[3:]],
            None,
            "does not write what the role tool says: 'three'",
        ),
        (
            [Message(role="user", content="1 + 2?"), Message(role="assistant", content="?")],
            TOOLS,
            "does not write the tool: 'add'",
        ),
    ],
)
def test_what_a_template_would_leave_out_is_named_with_the_line(
    messages: list[Message], tools: list[dict[str, object]] | None, message: str
) -> None:
    with pytest.raises(UserError, match=rf"a\.jsonl: line 3: .*{message}"):
        texts(PLAIN, messages, tools)


def test_the_developer_is_the_system_where_a_template_does_not_know_better() -> None:
    messages = [
        Message(role="developer", content="Be brief."),
        Message(role="user", content="Hi"),
        Message(role="assistant", content="Hello"),
    ]
    assert texts(PLAIN, messages)[0].startswith("[system] Be brief.")
    knowing = "{# knows developer #}" + PLAIN
    assert texts(knowing, messages)[0].startswith("[developer] Be brief.")
