"""Where conversations come from, and what is said about those that are broken."""

import gzip
import json
from pathlib import Path

import pytest
import zstandard
from datasets import Dataset
from support.line_job import stage_context

from llmtrain_api.spec.finetune import ChatSource
from llmtrain_api.stages import Stage
from llmtrain_trainer.data.python_docs import harvest
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.finetune.conversation import Conversation
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
        for conversation in source.conversations()
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
        ('{"text": "Hi"}', "no field 'messages'; the fields are: text; set messagesField"),
        ('{"messages": "Hi"}', "must be a list of {role, content}"),
        ('{"messages": []}', "must be a list of {role, content} that is not empty"),
        ('{"messages": [{"from": "human"}]}', r"messages\[0\] must be an object with role"),
        (
            '{"messages": [{"role": "bot", "content": "x"}]}',
            r"messages\[0\].role must be system, user or assistant; found 'bot'",
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
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    good = json.dumps({"messages": CHAT})
    (tmp_path / "a.jsonl").write_text(f"{good}\n{line}\n")
    with pytest.raises(UserError, match=rf"a\.jsonl: line 2.*{message}"):
        read(tmp_path, files={"paths": ["a.jsonl"]})


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


def test_the_documentation_answers_its_own_questions() -> None:
    found = list(PythonDocsSource().conversations())
    assert found == list(PythonDocsSource().conversations())
    texts = {entry.qualified_name: entry.text for entry in harvest()}
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
