"""The conversation in a row of a data set, in the forms that data sets have.

A row holds one of:

- `messages`: a list of `{role, content}`, as OpenAI's API takes them
- `conversations`: a list of `{from, value}`, as ShareGPT has them
- `prompt` and `completion`: texts, or lists of messages
- `instruction`, `input` and `output`, as Alpaca has them
"""

import json
from collections.abc import Mapping
from typing import Any

from llmtrain_trainer.conversations.conversation import Conversation
from llmtrain_trainer.conversations.messages import invalid, parse_message, require_whole
from llmtrain_trainer.data.readers.rows import find_field

DEFAULT_FIELD = "messages"
FIELDS = (
    "messages",
    "conversations",
    "prompt",
    "completion",
    "instruction",
    "input",
    "output",
    "system",
    "history",
    "tools",
)
"""The fields that a conversation may be read from."""


def parse_row(row: Mapping[str, object], field: str, place: str) -> Conversation:
    """The conversation in a row of a data set.

    Args:
        row: field names and values.
        field: the one that holds the messages; `messages` stands for any form.
        place: where the row was read.

    Raises:
        UserError: the row holds no conversation that can be learned from.
    """
    name, value = _found(row, field, place)
    if not isinstance(value, list) or not value:
        raise invalid(
            f"{place}: {name} must be a list of {{role, content}} that is not empty; "
            f"found {value!r:.80}"
        )
    parsed = (parse_message(item, f"{place}: {name}[{n}]") for n, item in enumerate(value))
    messages = [message for message in parsed if message is not None]
    if not any(message["role"] == "assistant" for message in messages):
        raise invalid(
            f"{place}: {name} has no message of the assistant, so there is nothing to learn; "
            "add one, or remove the line"
        )
    return Conversation(messages, place, _tools(row.get("tools"), place))


def _found(row: Mapping[str, object], field: str, place: str) -> tuple[str, object]:
    """The name of what holds the messages, and the messages."""
    system = [_message("system", row["system"])] if row.get("system") else []
    if field != DEFAULT_FIELD or row.get(field) is not None:
        turns = find_field(row, field, place, setting="messagesField")
        return field, _after_system(system, turns)
    if row.get("conversations") is not None:
        return "conversations", _after_system(system, row["conversations"])
    if row.get("prompt") is not None and row.get("completion") is not None:
        asked, answered = row["prompt"], row["completion"]
        return "prompt and completion", [
            *system,
            *(asked if isinstance(asked, list) else [_message("user", asked)]),
            *(answered if isinstance(answered, list) else [_message("assistant", answered)]),
        ]
    if row.get("instruction") is not None and row.get("output") is not None:
        return "instruction and output", [
            *system,
            *_history(row.get("history"), place),
            _message("user", _joined(row["instruction"], row.get("input"), place)),
            _message("assistant", row["output"]),
        ]
    found = ", ".join(sorted(row)[:10]) or "none"
    raise invalid(
        f"{place}: no field {field!r}, and neither conversations, nor prompt and completion, nor "
        f"instruction and output; the fields are: {found}; set messagesField to the one that holds "
        "the list of {role, content}"
    )


def _message(role: str, content: object) -> dict[str, object]:
    return {"role": role, "content": content}


def _after_system(system: list[dict[str, object]], turns: object) -> object:
    """The turns behind what the system says, unless they begin with words of the system."""
    if not isinstance(turns, list) or not turns or not system:
        return turns
    first = turns[0] if isinstance(turns[0], Mapping) else {}
    said = first.get("role") or first.get("from"), first.get("content") or first.get("value")
    return turns if said[0] in {"system", "developer"} and said[1] else [*system, *turns]


def _joined(instruction: object, more: object, place: str) -> str:
    if more is None:
        more = ""
    if not isinstance(instruction, str) or not isinstance(more, str):
        raise invalid(
            f"{place}: instruction and input must be texts; found {instruction!r:.80} and "
            f"{more!r:.80}"
        )
    return "\n\n".join(text for text in (instruction, more) if text.strip())


def _history(value: object, place: str) -> list[dict[str, object]]:
    """Earlier questions and answers, in pairs."""
    turns: list[dict[str, object]] = []
    if value is None:
        return turns
    if not isinstance(value, list):
        raise invalid(f"{place}: history must be a list of pairs of texts; found {value!r:.80}")
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2:  # noqa: PLR2004 - a pair
            raise invalid(f"{place}: history must be a list of pairs of texts; found {pair!r:.80}")
        turns += [_message("user", pair[0]), _message("assistant", pair[1])]
    return turns


def _tools(value: object, place: str) -> list[dict[str, Any]]:
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise invalid(f"{place}: tools is no JSON: {error}") from error
    if not value:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise invalid(f"{place}: tools must be a list of JSON schemas; found {value!r:.80}")
    require_whole(value, f"{place}: tools")
    return value
