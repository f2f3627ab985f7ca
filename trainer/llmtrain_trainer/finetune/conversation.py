"""A conversation, and what makes one good enough to learn from."""

import hashlib
import json
from dataclasses import dataclass
from typing import TypedDict

from llmtrain_trainer.errors import UserError

ROLES = ("system", "user", "assistant")


class Message(TypedDict):
    """One turn."""

    role: str
    content: str


@dataclass(frozen=True)
class Conversation:
    """Messages, at least one of them the assistant's."""

    messages: list[Message]
    place: str
    """Where it was read, for error messages: `chats.jsonl: line 3`."""

    @property
    def key(self) -> int:
        """Hash of the whole conversation, 64 bits."""
        return _hash(json.dumps(self.messages, sort_keys=True))

    @property
    def answers(self) -> str:
        """All that the assistant says."""
        return "\0".join(each["content"] for each in self.messages if each["role"] == "assistant")

    @property
    def answer_key(self) -> int:
        """Hash of all that the assistant says, 64 bits."""
        return _hash(self.answers)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def parse_row(row: dict[str, object], field: str, place: str) -> Conversation:
    """The conversation in a row of a data set.

    Args:
        row: field names and values.
        field: the one that holds the messages.
        place: of the row.

    Raises:
        UserError: the row holds no conversation that can be learned from.
    """
    if field not in row:
        found = ", ".join(sorted(row)[:10]) or "none"
        raise _invalid(
            f"{place}: no field {field!r}; the fields are: {found}; "
            "set messagesField to the one that holds the list of {role, content}"
        )
    value = row[field]
    if not isinstance(value, list) or not value:
        raise _invalid(
            f"{place}: {field} must be a list of {{role, content}} that is not empty; "
            f"found {value!r:.80}"
        )
    messages = [_parse_message(item, f"{place}: {field}[{i}]") for i, item in enumerate(value)]
    if not any(message["role"] == "assistant" for message in messages):
        raise _invalid(
            f"{place}: {field} has no message of the assistant, so there is nothing to learn; "
            "add one, or remove the line"
        )
    return Conversation(messages, place)


def _parse_message(item: object, place: str) -> Message:
    if not isinstance(item, dict) or not {"role", "content"} <= item.keys():
        raise _invalid(f"{place} must be an object with role and content; found {item!r:.80}")
    role, content = item["role"], item["content"]
    if role not in ROLES:
        raise _invalid(
            f"{place}.role must be {', '.join(ROLES[:-1])} or {ROLES[-1]}; found {role!r:.80}"
        )
    if not isinstance(content, str) or not content.strip():
        raise _invalid(f"{place}.content must be text that is not empty; found {content!r:.80}")
    try:
        content.encode()
    except UnicodeEncodeError as error:
        raise _invalid(
            f"{place}.content holds half a surrogate pair at character {error.start}; "
            "write the whole character"
        ) from error
    return Message(role=role, content=content)


def _invalid(message: str) -> UserError:
    return UserError(message, reason="InvalidData")
