"""Documents are spread over files and groups, and come back in order."""

from pathlib import Path

import pytest

from llmtrain_api.data_report import Size
from llmtrain_trainer.data import documents
from llmtrain_trainer.data.documents import DocumentWriter, row_groups


def test_documents_come_back_in_order_from_several_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "_ROW_GROUP_BYTES", 20)
    monkeypatch.setattr(documents, "_FILE_BYTES", 60)
    texts = [f"dócument {number}" for number in range(23)]
    with DocumentWriter(tmp_path / "train") as writer:
        for text in texts:
            writer.write(text, "made")
    groups = row_groups(tmp_path / "train")
    assert len({group.path for group in groups}) == 4
    assert [len(group.texts()) for group in groups] == [2] * 11 + [1]
    assert [text for group in groups for text in group.texts()] == texts
    assert writer.written == Size(documents=23, bytes=sum(len(t.encode()) for t in texts))


def test_no_documents_are_no_file(tmp_path: Path) -> None:
    with DocumentWriter(tmp_path / "train"):
        pass
    assert row_groups(tmp_path / "train") == []
