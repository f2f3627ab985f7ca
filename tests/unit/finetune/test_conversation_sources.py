"""Where conversations come from, and what is said about those that are broken."""

import gzip
import json
from pathlib import Path

import pytest
import zstandard
from datasets import Dataset
from support.later_stage_context import stage_context
from support.python_docs import documentation

from llmtrain_api.spec.finetune import ChatSource
from llmtrain_api.stages import Stage
from llmtrain_trainer.conversations.conversation import Conversation
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.finetune.sources.python_docs import PythonDocsSource, first_paragraphs
from llmtrain_trainer.finetune.sources.registry import conversation_sources

CHAT = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def read(folder: Path, **source: object) -> list[Conversation]:
    """All conversations of a source whose files lie in this folder."""
    context = stage_context(folder, Stage.FINETUNE)
    sections = [ChatSource.model_validate(source)]
    return [
        conversation
        for source in conversation_sources(sections, context)
        for conversation in source.conversations(BadRows(source.max_bad_rows))
    ]


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_files_hold_a_conversation_a_line(tmp_path: Path, ending: str) -> None:
    data = (json.dumps({"messages": CHAT}) + "\n\n" + json.dumps({"messages": CHAT[:2]})).encode()
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[ending]
    (tmp_path / f"a.jsonl{ending}").write_bytes(pack(data))
    found = read(tmp_path, files={"paths": [f"*.jsonl{ending}"]})
    assert [conversation.messages for conversation in found] == [CHAT, CHAT]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "one JSON object"),
        (
            '{"text": "Hi"}',
            "no field 'messages', and neither .*the fields are: text; set messagesField",
        ),
        ('{"messages": "Hi"}', "must be a list of {role, content}"),
        ('{"messages": []}', "must be a list of {role, content} that is not empty"),
        ('{"messages": [{"from": "human"}]}', r"messages\[0\] must be an object with role"),
        (
            '{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}',
            r"messages\[0\].content\[0\] must be .*only text can be .*; found 'image_url'",
        ),
        (
            '{"messages": [{"role": "assistant", "tool_calls": [{"name":"f","arguments":"{"}]}]}',
            r"messages\[0\].tool_calls\[0\].arguments is no JSON",
        ),
        ('{"prompt": 1, "completion": "x"}', r"prompt and completion\[0\].content must be text"),
        (
            '{"messages": [{"role": "bot", "content": "x"}]}',
            r"messages\[0\].role must be system, developer, user, assistant or tool; found 'bot'",
        ),
        (
            '{"messages": [{"role": "user", "content": " "}]}',
            r"messages\[0\].content must be text that is not empty",
        ),
        (
            '{"messages": [{"role": "user", "content": null}]}',
            r"messages\[0\].content must be text",
        ),
        (
            '{"messages": [{"role": "user", "content": "\\ud83d"}]}',
            r"messages\[0\].content holds half a surrogate pair",
        ),
        (
            '{"messages": [{"role": "user", "content": "x"}]}',
            "no message of the assistant, so there is nothing to learn",
        ),
        (
            '{"messages": [{"role": "assistant", "content": "x", "weight": 0}]}',
            r"messages\[0\].weight must be 1 .* every answer is learned from; found 0",
        ),
        (
            '{"messages": [{"role": "assistant", "content": "4", "reasoning_content": "2 + 2"}]}',
            r"messages\[0\].reasoning_content would not be learned from; write it into content",
        ),
        (
            (
                '{"messages": [{"role": "assistant", "tool_calls": [{"name": "f", '
                r'"arguments": "{\"a\": \"\\ud83d\"}"}]}]}'
            ),
            r"messages\[0\].tool_calls\[0\] holds half a surrogate pair",
        ),
        (
            '{"prompt": "x", "completion": "y", "tools": [{"name": "\\ud83d"}]}',
            "tools holds half a surrogate pair",
        ),
        (
            '{"prompt": "x", "completion": "y", "tools": "' + "[" * 50_000 + '"}',
            "tools is no JSON: .*recursion",
        ),
        (
            '{"instruction": "x", "output": "y", "history": {"Hi": "Hello"}}',
            "history must be a list of pairs of texts; found {'Hi': 'Hello'}",
        ),
        (
            '{"instruction": "x", "input": 5, "output": "y"}',
            "instruction and input must be texts; found 'x' and 5",
        ),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    good = json.dumps({"messages": CHAT})
    (tmp_path / "a.jsonl").write_text(f"{good}\n{line}\n")
    with pytest.raises(UserError, match=rf"a\.jsonl: line 2.*{message}"):
        read(tmp_path, files={"paths": ["a.jsonl"]})


HELLO = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
CALL = {
    "id": "1",
    "type": "function",
    "function": {"name": "add", "arguments": {"a": 1, "b": 2}},
}
FORMS: list[tuple[dict[str, object], list[dict[str, object]]]] = [
    (
        {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]},
        [*HELLO],
    ),
    (
        {
            "system": "Be brief.",
            "conversations": [
                {"from": "system", "value": ""},
                {"from": "human", "value": "Hi"},
                {"from": "function_call", "value": '{"name": "add", "arguments": {"a": 1}}'},
                {"from": "observation", "value": "3"},
                {"from": "gpt", "value": "Hello"},
            ],
        },
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "tool_calls": [
                    {"type": "function", "function": {"name": "add", "arguments": {"a": 1}}}
                ],
            },
            {"role": "tool", "content": "3"},
            {"role": "assistant", "content": "Hello"},
        ],
    ),
    (
        {
            "messages": [
                HELLO[0],
                {
                    "role": "assistant",
                    "content": None,
                    "function_call": {"name": "add", "arguments": '{"a": 1}'},
                },
                {"role": "function", "name": "add", "content": "3"},
                HELLO[1] | {"reasoning_content": ""},
            ]
        },
        [
            HELLO[0],
            {
                "role": "assistant",
                "tool_calls": [
                    {"type": "function", "function": {"name": "add", "arguments": {"a": 1}}}
                ],
            },
            {"role": "tool", "name": "add", "content": "3"},
            HELLO[1],
        ],
    ),
    ({"prompt": "Hi", "completion": "Hello"}, [*HELLO]),
    (
        {"system": "Be brief.", "messages": [HELLO[0] | {"weight": 0}, HELLO[1] | {"weight": 1.0}]},
        [{"role": "system", "content": "Be brief."}, *HELLO],
    ),
    (
        {"system": "Be brief.", "messages": [{"role": "system", "content": "Be kind."}, *HELLO]},
        [{"role": "system", "content": "Be kind."}, *HELLO],
    ),
    ({"instruction": "", "input": "Hi", "output": "Hello"}, [*HELLO]),
    ({"prompt": HELLO[:1], "completion": HELLO[1:]}, [*HELLO]),
    ({"instruction": "Hi", "input": "", "output": "Hello"}, [*HELLO]),
    (
        {"instruction": "Add", "input": "1, 2", "output": "3", "history": [["Hi", "Hello"]]},
        [
            *HELLO,
            {"role": "user", "content": "Add\n\n1, 2"},
            {"role": "assistant", "content": "3"},
        ],
    ),
    (
        {
            "messages": [
                {"role": "developer", "content": [{"type": "text", "text": "Be "}, "brief."]},
                {"role": "user", "content": [{"type": "text", "text": "Hi", "image": None}]},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        CALL | {"function": {"name": "add", "arguments": '{"a": 1, "b": 2}'}}
                    ],
                },
                {"role": "tool", "tool_call_id": "1", "name": "add", "content": ""},
                {"role": "assistant", "content": "Hello", "tool_calls": None},
            ]
        },
        [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "content": "", "name": "add", "tool_call_id": "1"},
            {"role": "assistant", "content": "Hello"},
        ],
    ),
]


@pytest.mark.parametrize(("row", "messages"), FORMS)
def test_the_usual_forms_of_a_row_are_read(
    tmp_path: Path, row: dict[str, object], messages: list[dict[str, object]]
) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    assert [each.messages for each in read(tmp_path, files={"paths": ["a.jsonl"]})] == [messages]


def test_a_data_set_in_a_usual_form_is_read(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    rows = [{"conversations": turns, "id": 1, "tools": '[{"name": "add"}]'}]
    Dataset.from_list(rows).save_to_disk(tmp_path / "set")
    found = read(tmp_path, huggingFace={"path": "set"})
    assert [conversation.messages for conversation in found] == [HELLO]
    assert found[0].tools == [{"name": "add"}]
    rows = [{"messages": HELLO, "system": "Be brief."}]
    Dataset.from_list(rows).save_to_disk(tmp_path / "other")
    (chat,) = read(tmp_path, huggingFace={"path": "other"})
    assert chat.messages == [{"role": "system", "content": "Be brief."}, *HELLO]


def test_messages_may_lie_inside_another_field(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"chat": {"turns": HELLO}}))
    found = read(tmp_path, files={"paths": ["a.jsonl"], "messagesField": "chat.turns"})
    assert [conversation.messages for conversation in found] == [HELLO]


def test_bad_rows_are_skipped_up_to_the_limit(tmp_path: Path) -> None:
    good = json.dumps({"messages": CHAT})
    (tmp_path / "a.jsonl").write_text(f'{good}\n{{\n{{"messages": []}}\n{good}\n')
    found = read(tmp_path, files={"paths": ["a.jsonl"], "maxBadRows": 2})
    assert [conversation.messages for conversation in found] == [CHAT, CHAT]
    with pytest.raises(UserError, match=r"line 3: .*maxBadRows is 1"):
        read(tmp_path, files={"paths": ["a.jsonl"], "maxBadRows": 1})


def test_a_saved_data_set_is_read(tmp_path: Path) -> None:
    Dataset.from_list([{"chat": CHAT, "id": 1}]).save_to_disk(tmp_path / "set")
    found = read(tmp_path, huggingFace={"path": "set", "messagesField": "chat"})
    assert [conversation.messages for conversation in found] == [CHAT]
    with pytest.raises(UserError, match="no column 'messages'; the columns are: chat, id"):
        read(tmp_path, huggingFace={"path": "set"})


def test_a_data_sets_broken_row_is_named(tmp_path: Path) -> None:
    Dataset.from_list([{"messages": CHAT}, {"messages": CHAT[:1]}]).save_to_disk(tmp_path / "set")
    with pytest.raises(UserError, match=r"huggingFace set: row 1: .*no message of the assistant"):
        read(tmp_path, huggingFace={"path": "set"})


@pytest.mark.slow
def test_the_documentation_answers_its_own_questions() -> None:
    found = list(PythonDocsSource().conversations(BadRows(0)))
    assert found == list(PythonDocsSource().conversations(BadRows(0)))
    texts = {entry.qualified_name: entry.text for entry in documentation()}
    answers = [
        chat.messages[1]["content"] for chat in found if chat.place == "pythonDocs: textwrap.dedent"
    ]
    assert answers[0] in texts["textwrap.dedent"]
    assert answers[1] == "It is called as textwrap.dedent(text)."
    assert all("{name}" not in chat.messages[0]["content"] for chat in found)
    assert len({chat.messages[0]["content"] for chat in found}) > 0.9 * len(found)


def test_answers_are_whole_paragraphs_of_bounded_length() -> None:
    assert first_paragraphs("One.\n\nTwo.\n \nThree.") == "One.\n\nTwo.\n\nThree."
    assert first_paragraphs("One.\n\n" + "x" * 600) == "One."
    cut = first_paragraphs("word " * 200)
    assert len(cut) <= 604
    assert cut.endswith("word ...")
