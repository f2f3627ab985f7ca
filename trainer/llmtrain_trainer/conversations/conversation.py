"""A conversation: what fine-tuning learns from."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict


class Function(TypedDict):
    """The function that is called."""

    name: str
    arguments: dict[str, Any]


class ToolCall(TypedDict):
    """A call of a tool by the assistant, as chat templates expect it."""

    type: str
    """`function`."""
    function: Function
    id: NotRequired[str]


class Message(TypedDict):
    """One message of a conversation."""

    role: str
    """`system`, `developer`, `user`, `assistant` or `tool`."""
    content: NotRequired[str]
    """Absent where the assistant only calls tools."""
    tool_calls: NotRequired[list[ToolCall]]
    tool_call_id: NotRequired[str]
    name: NotRequired[str]


@dataclass(frozen=True)
class Conversation:
    """Messages, at least one of them the assistant's."""

    messages: list[Message]
    place: str
    """Place in its source, for error messages: `chats.jsonl: line 3`."""
    tools: list[dict[str, Any]] = field(default_factory=list)
    """The tools that the assistant may call, as JSON schemas."""

    @property
    def key(self) -> int:
        """Hash of the whole conversation, 64 bits."""
        return _hash(json.dumps([self.messages, self.tools], sort_keys=True))

    @property
    def answers(self) -> str:
        """All that the assistant says and calls."""
        said = [each for each in self.messages if each["role"] == "assistant"]
        calls = [json.dumps(each["tool_calls"]) for each in said if "tool_calls" in each]
        return "\0".join([*(each.get("content", "") for each in said), *calls])

    @property
    def answer_key(self) -> int:
        """Hash of all that the assistant says and calls, 64 bits."""
        return _hash(self.answers)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
