"""One message of a data set, in the forms that data sets have."""

import json
from collections.abc import Mapping

from llmtrain_trainer.conversations.conversation import Message, ToolCall
from llmtrain_trainer.errors import UserError

_ROLES = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "function_call": "assistant",
    "tool": "tool",
    "function": "tool",
    "function_response": "tool",
    "observation": "tool",
}
"""The role of a message by what data sets call it; the first of each kind is OpenAI's."""
_REASONING = ("reasoning_content", "reasoning", "thinking")
"""Fields in which data sets keep what a model thought before its answer."""
_MAY_BE_EMPTY = {"system", "developer"}


def invalid(message: str) -> UserError:
    """The error of a row that holds no conversation."""
    return UserError(message, reason="InvalidData")


def parse_message(item: object, place: str) -> Message | None:
    """A message as chat templates expect it; None for an empty one of the system.

    Args:
        item: `{role, content}` or `{from, value}`.
        place: where it was read.

    Raises:
        UserError: it is no message that can be learned from.
    """
    if isinstance(item, Mapping) and item.get("from") is not None and "value" in item:
        item = {**item, "role": item["from"], "content": item["value"]}
    if not isinstance(item, Mapping) or "role" not in item:
        raise invalid(
            f"{place} must be an object with role and content, or with from and value; "
            f"found {item!r:.80}"
        )
    role = _role(item["role"], place)
    content, calls = _content_and_calls(item)
    message = Message(role=role)
    text = _text(content, f"{place}.content")
    if text.strip() or role == "tool":
        message["content"] = text
    elif role in _MAY_BE_EMPTY and content is not None:
        return None
    elif not calls or role != "assistant":
        raise invalid(f"{place}.content must be text that is not empty; found {content!r:.80}")
    _require_weight(role, item.get("weight"), f"{place}.weight")
    _require_no_reasoning(item, place)
    if calls and role == "assistant":
        message["tool_calls"] = _tool_calls(calls, f"{place}.tool_calls")
    if isinstance(name := item.get("name"), str):
        message["name"] = _whole(name, f"{place}.name")
    if isinstance(number := item.get("tool_call_id"), str):
        message["tool_call_id"] = _whole(number, f"{place}.tool_call_id")
    return message


def _content_and_calls(item: Mapping[str, object]) -> tuple[object, object]:
    """The content of a message and its tool calls, wherever a data set keeps them."""
    if item["role"] == "function_call":
        return None, [item.get("content")]
    before_tools = item.get("function_call")  # OpenAI's API, until 2023
    if before_tools is not None and not item.get("tool_calls"):
        return item.get("content"), [before_tools]
    return item.get("content"), item.get("tool_calls")


def _require_weight(role: str, weight: object, place: str) -> None:
    """Make sure that an answer is to be learned from; OpenAI's API excepts some by `weight: 0`."""
    if role == "assistant" and weight not in (None, 1):
        raise invalid(
            f"{place} must be 1 or be left out, since every answer is learned from; "
            f"found {weight!r:.80}"
        )


def _require_no_reasoning(item: Mapping[str, object], place: str) -> None:
    """Make sure that no part of an answer is lost: templates write the content alone."""
    for field in _REASONING:
        if item.get(field):
            raise invalid(
                f"{place}.{field} would not be learned from; write it into content, between the "
                "marks that the model's template has for it, or leave it out"
            )


def _role(given: object, place: str) -> str:
    role = _ROLES.get(given) if isinstance(given, str) else None
    if role is None:
        raise invalid(
            f"{place}.role must be system, developer, user, assistant or tool; found {given!r:.80}"
        )
    return role


def _text(content: object, place: str) -> str:
    """The text of a message: a string, or the texts of its parts."""
    if content is None:
        return ""
    if isinstance(content, str):
        return _whole(content, place)
    if not isinstance(content, list):
        raise invalid(f"{place} must be text that is not empty; found {content!r:.80}")
    texts = []
    for number, part in enumerate(content):
        text = part if isinstance(part, str) else _text_of_part(part, f"{place}[{number}]")
        texts.append(_whole(text, f"{place}[{number}]"))
    return "".join(texts)


def _text_of_part(part: object, place: str) -> str:
    text = part.get("text") if isinstance(part, Mapping) else None
    if not isinstance(text, str):
        kind = part.get("type") if isinstance(part, Mapping) else part
        raise invalid(
            f"{place} must be {{type: text, text}}, since only text can be learned from; "
            f"found {kind!r:.80}"
        )
    return text


def _whole(text: str, place: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise invalid(
            f"{place} holds half a surrogate pair at character {error.start}; "
            "write the whole character"
        ) from error
    return text


def require_whole(value: object, place: str) -> None:
    """Make sure that all texts in a JSON value can be written as UTF-8.

    Raises:
        UserError: one of them cannot.
    """
    _whole(json.dumps(value, ensure_ascii=False), place)


def _tool_calls(value: object, place: str) -> list[ToolCall]:
    if not isinstance(value, list):
        raise invalid(f"{place} must be a list; found {value!r:.80}")
    return [_tool_call(call, f"{place}[{number}]") for number, call in enumerate(value)]


def _tool_call(call: object, place: str) -> ToolCall:
    """A call whose arguments are an object, as templates expect; OpenAI's API writes a string."""
    call = _from_json(call, place)
    function = call.get("function", call) if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise invalid(f"{place} must have a function with name and arguments; found {call!r:.80}")
    given = function.get("arguments")
    arguments = _from_json(given, f"{place}.arguments") if given not in (None, "") else {}
    if not isinstance(arguments, dict):
        raise invalid(f"{place}.arguments must be a JSON object; found {arguments!r:.80}")
    require_whole([call, arguments], place)
    parsed = ToolCall(type="function", function={"name": function["name"], "arguments": arguments})
    if isinstance(call, Mapping) and isinstance(call.get("id"), str):
        parsed["id"] = call["id"]
    return parsed


def _from_json(value: object, place: str) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise invalid(f"{place} is no JSON: {error}; found {value!r:.80}") from error
