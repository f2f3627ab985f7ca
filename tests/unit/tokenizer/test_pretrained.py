"""A pretrained tokenizer is loaded, or it is said why not."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from llmtrain_trainer.control_tokens import end_of_text_id
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.tokenizer.pretrained import load_pretrained

ENDS = {"eos_token": "<end>"}


def save(folder: Path, **special: str) -> Path:
    """A tokenizer of three words."""
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 1, "<end>": 2}))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("special", [ENDS, {"sep_token": "<end>"}])
def test_texts_end_with_the_end_of_text_or_the_separator(
    tmp_path: Path, special: dict[str, str]
) -> None:
    save(tmp_path / "tokenizer", **special)
    assert (
        end_of_text_id(load_pretrained("tokenizer", field="tokenizer.pretrained", inputs=tmp_path))
        == 2
    )


def test_a_tokenizer_without_an_end_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "tokenizer")
    with pytest.raises(UserError, match="no end-of-text token; set eos_token"):
        load_pretrained("tokenizer", field="tokenizer.pretrained", inputs=tmp_path)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"tokenizer\.pretrained empty: it must be a folder below"):
        load_pretrained("empty", field="tokenizer.pretrained", inputs=tmp_path)


@pytest.mark.parametrize("content", ['{"model": 3}', "[1, 2]", "not JSON", "[" * 100_000])
def test_a_broken_tokenizer_is_refused(tmp_path: Path, content: str) -> None:
    folder = save(tmp_path / "tokenizer", **ENDS)
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(UserError, match=r"tokenizer\.pretrained tokenizer: it must be a folder"):
        load_pretrained("tokenizer", field="tokenizer.pretrained", inputs=tmp_path)


def test_code_that_comes_with_a_tokenizer_is_not_run(tmp_path: Path) -> None:
    folder = save(tmp_path / "tokenizer", **ENDS)
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config |= {"tokenizer_class": "Evil", "auto_map": {"AutoTokenizer": ["evil.Evil", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    with suppress(UserError):
        load_pretrained("tokenizer", field="tokenizer.pretrained", inputs=tmp_path)
    assert not (tmp_path / "ran").exists()
