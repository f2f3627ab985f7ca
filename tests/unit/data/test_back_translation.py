"""Documents go through two models and back: sentence by sentence, each document by itself."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from support.stage_context import documents_of, stage_context
from support.tiny_model import save_tiny
from support.tiny_translators import save_marian, save_t5
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from llmtrain_api.data_report import DataReport
from llmtrain_api.spec.augmentation import Augmentation
from llmtrain_trainer.data.augmentation.back_translation import TOO_LONG
from llmtrain_trainer.data.augmentation.base import Left
from llmtrain_trainer.data.augmentation.copying import Copying, augmenters
from llmtrain_trainer.data.documents import document_files
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.stage import StageContext

pytestmark = pytest.mark.slow  # imports torch and transformers

SENTENCES = (("Go on.", "Why?"), ("Nö.", "Ja!"), ("走。", "不。"))
TEXTS = [" ".join(each) for each in SENTENCES]
WAY = {"forward": {"model": "there"}, "back": {"model": "back"}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("job")
    (found / "inputs").mkdir()
    save_t5(found / "inputs" / "there")
    save_t5(found / "inputs" / "back", seed=1)
    save_t5(found / "inputs" / "soft", scale=1.0)
    save_marian(found / "inputs" / "marian")
    return found


def context_in(folder: Path) -> StageContext:
    sources = [{"files": {"paths": ["*.jsonl"], "format": "jsonl"}}]
    return stage_context("data", folder, data={"sources": sources})


def copying(folder: Path, **settings: Any) -> Copying:
    way = Augmentation.model_validate({"backTranslation": WAY | settings})
    context = context_in(folder)
    found = {name: each.located(context) for name, each in augmenters([way]).items()}
    return Copying(found, seed=5)


def copies(made: Copying, text: str) -> list[str | Left]:
    return [copy for _, copy in made.copies(text)]


def translated(path: Path, sentences: list[str]) -> list[str]:
    """What plain transformers makes of sentences, one at a time."""
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForSeq2SeqLM.from_pretrained(path).eval()
    longest = max(len(tokenizer(each)["input_ids"]) for each in sentences)
    found = []
    for each in sentences:
        encoded = tokenizer([each], return_tensors="pt", return_token_type_ids=False)
        with torch.inference_mode():
            ids = model.generate(**encoded, max_length=None, max_new_tokens=2 * longest + 16)
        found.append(tokenizer.batch_decode(ids, skip_special_tokens=True)[0].strip())
    return found


def test_each_sentence_is_translated_there_and_back(folder: Path) -> None:
    sentences = [*SENTENCES[0]]
    text = f"{sentences[0]}\n\n{sentences[1]}\n"
    there = translated(folder / "inputs" / "there", sentences)
    again = translated(folder / "inputs" / "back", there)
    assert again != sentences
    assert copies(copying(folder), text) == [f"{again[0]}\n\n{again[1]}\n"]


def test_a_document_is_translated_by_itself(folder: Path) -> None:
    made = copying(folder)
    found = [copies(made, text) for text in TEXTS]
    assert [copies(made, text) for text in reversed(TEXTS)] == found[::-1]
    assert len({str(each) for each in found}) == len(TEXTS)


def test_words_are_drawn_by_the_temperature(folder: Path) -> None:
    state = torch.random.get_rng_state()
    soft = {"forward": {"model": "soft"}, "back": {"model": "soft"}}
    made = copying(folder, temperature=1.0, copies=3, **soft)
    found = copies(made, TEXTS[0])
    assert len({TEXTS[0], *map(str, found)}) == 4
    assert copies(made, TEXTS[0]) == found
    assert torch.equal(state, torch.random.get_rng_state())


def test_marians_models_translate(folder: Path) -> None:
    made = copying(folder, forward={"model": "marian"}, back={"model": "marian"})
    (copy,) = copies(made, TEXTS[0])
    assert isinstance(copy, str)
    assert copy != TEXTS[0]


def test_a_prefix_names_the_task(folder: Path) -> None:
    prefixed = copying(folder, forward={"model": "there", "prefix": "translate: "})
    assert copies(prefixed, TEXTS[0]) != copies(copying(folder), TEXTS[0])


def test_long_documents_and_long_sentences_are_left(folder: Path) -> None:
    made = copying(folder, maxBytes=256)
    assert copies(made, "One more. " * 40) == [TOO_LONG]
    sentence = "no mark " * 300  # more tokens than any model is given
    (copy,) = copies(copying(folder), f"{sentence.strip()}. {TEXTS[0]}")
    assert isinstance(copy, str)
    assert copy.startswith(sentence.strip())


def test_a_corpus_is_the_same_in_slices_and_whole(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = {
        "forward": {"model": str(folder / "inputs" / "there")},
        "back": {"model": str(folder / "inputs" / "back")},
        "share": 0.5,
    }
    (tmp_path / "inputs").mkdir()
    lines = [json.dumps({"text": f"{text} {n}"}) + "\n" for text in TEXTS for n in range(3)]
    (tmp_path / "inputs" / "a.jsonl").write_text("".join(lines))
    found = []
    for size in (2**16, 100):
        monkeypatch.setattr("llmtrain_trainer.data.augmentation.parts._SLICE_BYTES", size)
        sources = [{"files": {"paths": ["a.jsonl"], "format": "jsonl"}}]
        steps = [{"exactDedup": {}}]
        data = {"sources": sources, "steps": steps, "augment": [{"backTranslation": way}]}
        context = stage_context("data", tmp_path, data=data)
        DATA_STAGE.work(context)
        report = DataReport.model_validate_json(context.workspace.data_report.read_bytes())
        found.append((documents_of(context.workspace, "train"), report.augmentation))
        files = document_files(context.workspace.documents / "train")
        assert (sum(file.holds_copies for file in files) > 1) is (size == 100)
        shutil.rmtree(context.workspace.root)
    assert found[0] == found[1]
    (way_report,) = found[0][1]
    assert 1 < way_report.chosen.documents < 8
    assert way_report.copies.documents + sum(way_report.left_by_rule.values()) == (
        way_report.chosen.documents
    )


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("missing", r"backTranslation\.back\.model back: it must be a folder below"),
        ("causal", r"back\.model back: .*a llama has no encoder with a decoder"),
        ("weights", r"back\.model back: .*it has no \*\.safetensors"),
    ],
)
def test_a_model_that_does_not_suit_is_named_before_anything_is_read(
    fault: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    save_t5(inputs / "there")
    if fault == "causal":
        save_tiny(inputs / "back")
    elif fault == "weights":
        (save_t5(inputs / "back") / "model.safetensors").unlink()
    (inputs / "a.jsonl").write_text(json.dumps({"text": TEXTS[0]}) + "\n")
    sources = [{"files": {"paths": ["a.jsonl"], "format": "jsonl"}}]
    data = {"sources": sources, "augment": [{"backTranslation": WAY}]}
    context = stage_context("data", tmp_path, data=data)
    with pytest.raises(UserError, match=rf"data\.augment\[0\]\..*{named}"):
        DATA_STAGE.work(context)


@pytest.mark.parametrize("wrong", [{"copies": 2}, {"temperature": 3}, {"maxBytes": 1}])
def test_settings_have_bounds(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Augmentation.model_validate({"backTranslation": WAY | wrong})
