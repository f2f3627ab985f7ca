"""Local data sets are read; what cannot be loaded is explained."""

import gzip
from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict
from support.stage_context import stage_context

from llmtrain_api.spec.data import HuggingFace
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.data.sources import hugging_face
from llmtrain_trainer.data.sources.hugging_face import hugging_face_shards
from llmtrain_trainer.errors import UserError

ROWS = Dataset.from_dict({"text": ["one", "two", "three"], "label": [1, 2, 3]})


def read(folder: Path, **section: object) -> list[str]:
    """The documents of a data set below the inputs folder."""
    shards = hugging_face_shards(HuggingFace.model_validate(section), stage_context("data", folder))
    return [text for shard in shards for text in shard.documents(BadRows(0))]


def test_a_saved_data_set_is_read_in_ranges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hugging_face, "_ROWS_IN_A_UNIT", 2)
    ROWS.save_to_disk(tmp_path / "inputs" / "saved")
    assert read(tmp_path, path="saved") == ["one", "two", "three"]


def test_the_split_of_a_saved_data_set_is_chosen(tmp_path: Path) -> None:
    splits = DatasetDict({"train": ROWS, "test": ROWS.select([2])})
    splits.save_to_disk(tmp_path / "inputs" / "saved")
    assert read(tmp_path, path="saved", split="test") == ["three"]
    with pytest.raises(UserError, match="no split 'dev'; the splits are: train, test"):
        read(tmp_path, path="saved", split="dev")


def test_a_folder_of_data_files_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "inputs" / "files"
    folder.mkdir(parents=True)
    ROWS.to_parquet(folder / "train.parquet")
    assert read(tmp_path, path="files") == ["one", "two", "three"]


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    ROWS.save_to_disk(tmp_path / "inputs" / "saved")
    with pytest.raises(UserError, match="no column 'body'; the columns are: text, label"):
        read(tmp_path, path="saved", textField="body")


def test_a_row_without_text_is_named(tmp_path: Path) -> None:
    Dataset.from_dict({"text": ["one", None]}).save_to_disk(tmp_path / "inputs" / "saved")
    with pytest.raises(UserError, match="row 1: field 'text' must be a string; found None"):
        read(tmp_path, path="saved")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"a.jsonl": b'{"text": "a"}\n', "b.jsonl": b'{"text": "b"}\n{"text": \n'},
            r"b\.jsonl: line 2: each line must be one JSON object",
        ),
        ({"a.txt": b"good\n\xff\n"}, r"a\.txt: line 2: not UTF-8: byte 0xff"),
        ({"a.json": b'[{"text": "a"},\n{"text":}]'}, r"a\.json: line 2: no JSON: .* column 9"),
        ({"a.parquet": b"PAR1"}, r"a\.parquet: no readable parquet file"),
        (
            {"a.jsonl.gz": gzip.compress(b'{"text": "a"}\n' * 9, mtime=0)[:-5]},
            r"a\.jsonl\.gz: broken compressed data",
        ),
        (
            {"a.jsonl": b'{"text": "a"}\n', "b.jsonl": b'{"text": "b", "x": 1}\n'},
            r"huggingFace broken: Couldn't cast text: string x: int64",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    folder = tmp_path / "inputs" / "broken" / "data"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        read(tmp_path, path="broken")
    assert error.value.reason == "InvalidData"


def test_a_data_set_that_cannot_be_reached_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"huggingFace no-such/data-set: it must be a folder below"):
        read(tmp_path, path="no-such/data-set")
