"""A model's scores are its own, whatever the kind of model and text, and however long."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from support.prose import CODE, EMOJI, PROSE
from support.stage_context import stage_context
from support.tiny_classifiers import LONGEST, fast_text_file, hugging_face_folder
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from llmtrain_api.spec.step_sections.classifier import Classifier
from llmtrain_trainer.data.comparison import step_files
from llmtrain_trainer.data.scores.models import Score, loaded
from llmtrain_trainer.data.step_files import StepFiles
from llmtrain_trainer.data.steps.classifier import ClassifierStep
from llmtrain_trainer.errors import UserError

pytestmark = pytest.mark.slow  # imports torch and transformers

TEXTS = {language: " ".join(sentences) for language, sentences in PROSE.items()} | {
    "emoji": EMOJI,
    "code": CODE,
}
LABELS = ("clean", "rude", "spam")
SEVERAL = "multi_label_classification"


def score_of(path: Path, **section: object) -> Score:
    """The function that scores a text."""
    model = Classifier.model_validate({"model": path.name, **section})
    return loaded(StepFiles.at("model", path), model)


def logits_of(path: Path, text: str) -> list[torch.Tensor]:
    """What plain PyTorch makes of each part of a text: its tokens cut into equal parts."""
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForSequenceClassification.from_pretrained(path).eval()
    start, *ids = tokenizer(text)["input_ids"]
    parts = [ids[at : at + LONGEST - 1] for at in range(0, len(ids), LONGEST - 1)]
    with torch.inference_mode():
        return [model(torch.tensor([[start, *part]])).logits[0] for part in parts]


ACTIVATIONS: dict[
    str, tuple[tuple[str, ...], str | None, Callable[[torch.Tensor], torch.Tensor]]
] = {
    "softmax": (LABELS, None, lambda logits: logits.softmax(0)),
    "sigmoid": (LABELS, SEVERAL, torch.sigmoid),
    "sigmoid of one": (("rude",), SEVERAL, torch.sigmoid),
    "regression": (("grade",), "regression", lambda logits: logits),
    "regression without a word": (("grade",), None, lambda logits: logits),
}


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_the_score_is_that_of_the_kind_of_model(tmp_path: Path, kind: str) -> None:
    labels, problem_type, activation = ACTIVATIONS[kind]
    folder = hugging_face_folder(tmp_path / "model", labels, problem_type)
    number = len(labels) // 2
    score = score_of(folder, label=labels[number])
    for text in (PROSE["English"][0], PROSE["German"][1]):
        (logits,) = logits_of(folder, text)
        expected = float(activation(logits)[number])  # of as many threads as torch likes
        assert score(text) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    if kind.startswith("regression"):
        assert score_of(folder)(PROSE["Czech"][0]) == score(PROSE["Czech"][0])


@pytest.mark.parametrize("language", TEXTS)
def test_a_long_text_is_scored_in_parts(tmp_path: Path, language: str) -> None:
    text = TEXTS[language]
    folder = hugging_face_folder(tmp_path / "model", LABELS)
    parts = [float(logits.softmax(0)[1]) for logits in logits_of(folder, text)]
    sizes = [LONGEST] * (len(parts) - 1)
    last = (
        len(AutoTokenizer.from_pretrained(folder)(text)["input_ids"])
        - 1
        - (LONGEST - 1) * len(sizes)
    )
    sizes.append(last + 1)
    mean = sum(size * part for size, part in zip(sizes, parts, strict=True)) / sum(sizes)
    assert score_of(folder, label="rude")(text) == pytest.approx(mean, abs=1e-5)
    highest = score_of(folder, label="rude", aggregate="max")
    assert highest(text) == pytest.approx(max(parts), abs=1e-5)
    # To the last digit, whatever came before.
    assert score_of(folder, label="rude")(text) == score_of(folder, label="rude")(text)


def test_a_text_without_a_token_has_no_score(tmp_path: Path) -> None:
    folder = hugging_face_folder(tmp_path / "model", LABELS)
    assert math.isnan(score_of(folder, label="rude")("\u00a0"))


def test_fast_text_scores_a_document_as_one_line(tmp_path: Path) -> None:
    words = {"good": (2.0, 0.0, 0.0), "bad": (0.0, 2.0, 0.0), "नाव": (0.0, 0.0, 3.0)}
    path = fast_text_file(tmp_path / "quality.bin", words, LABELS)
    score = score_of(path, label="rude")
    assert score("bad") == pytest.approx(math.exp(2) / (2 + math.exp(2)), abs=1e-4)
    both = math.e / (1 + 2 * math.e)
    assert score("good\nbad") == score("good bad") == pytest.approx(both, abs=1e-4)
    assert score("good\r\n\nunknown\tbad \u2028") == pytest.approx(both, abs=1e-4)
    assert score_of(path, label="spam")("नाव") > 0.9
    assert score_of(path, label="__label__rude")("bad") == score("bad")
    for text in TEXTS.values():
        found = score(text.replace("नाव", "").replace("bad", ""))
        assert math.isnan(found) or 0 <= found <= 1
    assert math.isnan(score("nothing known"))
    assert math.isnan(score("\x00\ufffe"))


def test_any_text_has_a_probability_or_no_score(tmp_path: Path) -> None:
    folder = hugging_face_folder(tmp_path / "model", LABELS)
    words = {"a": (2.0, 0.0, 0.0), "\u4e2d": (0.0, 2.0, 0.0)}
    file = fast_text_file(tmp_path / "quality.bin", words, LABELS)
    scores = [score_of(path, label="rude") for path in (folder, file)]

    @settings(max_examples=50)
    @given(st.text(max_size=80) | st.text("a\u4e2d\n \x00\u2028\U0001f44d", max_size=40))
    def check(text: str) -> None:
        for score in scores:
            found = score(text)
            assert math.isnan(found) or 0 <= found <= 1
            assert score(text) == found or math.isnan(found)

    check()


def test_a_model_that_takes_fewer_tokens_than_it_says_is_named(tmp_path: Path) -> None:
    folder = hugging_face_folder(tmp_path / "model", LABELS)
    config = RobertaConfig(
        vocab_size=AutoConfig.from_pretrained(folder).vocab_size,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=LONGEST,  # two of which RoBERTa leaves out
        num_labels=2,
    )
    RobertaForSequenceClassification(config).save_pretrained(folder)
    score = score_of(folder, label="LABEL_1")
    assert 0 < score(PROSE["English"][0]) < 1
    with pytest.raises(UserError, match="set model_max_length in its tokenizer_config"):
        score(TEXTS["English"])


def fault_of(folder: Path, **section: object) -> str:
    """The error of a step whose model cannot be used."""
    context = stage_context("data", folder)
    step = ClassifierStep(Classifier.model_validate({"model": "model", **section}))
    with pytest.raises(UserError) as raised:
        step_files({"classifier-2": step}, context)
    return raised.value.message


def test_what_is_wrong_with_a_model_is_said_before_the_stage_works(tmp_path: Path) -> None:
    place = "data.steps classifier-2.model model"
    inputs = tmp_path / "inputs"
    assert fault_of(tmp_path).startswith(f"{place}: it must be a folder or a file of fastText")
    (inputs / "model").mkdir()
    assert "has no config.json" in fault_of(tmp_path)
    hugging_face_folder(inputs / "model", LABELS)
    assert fault_of(tmp_path) == f"{place}: set label to one of: clean, rude, spam"
    wrong = fault_of(tmp_path, label="toxic")
    assert wrong == f"{place}: it has no label 'toxic', only: clean, rude, spam"
    (inputs / "model" / "config.json").write_text("{}")
    assert fault_of(tmp_path, label="rude").startswith(f"{place}: ")
    (inputs / "model" / "model.safetensors").rename(inputs / "pytorch_model.bin")
    assert "has no *.safetensors" in fault_of(tmp_path, label="rude")

    (inputs / "lid.bin").write_bytes(b"no model")
    assert "give a classifier that fastText has saved" in fault_of(tmp_path, model="lid.bin")
    whole = fast_text_file(inputs / "lid.bin", {"good": (1.0, 0.0)}, ("hq", "cc")).read_bytes()
    for size in (3, 10, 90, len(whole) // 2, len(whole) - 1):
        (inputs / "lid.bin").write_bytes(whole[:size])
        assert "that fastText has saved" in fault_of(tmp_path, model="lid.bin", label="hq")
    fast_text_file(inputs / "lid.ftz", {"good": (1.0, 0.0)}, ("hq", "cc"))
    assert fault_of(tmp_path, model="lid.ftz").endswith("set label to one of: hq, cc")
    assert "no such file" in fault_of(tmp_path, model="other.bin")
    (inputs / "words.txt").write_text("good")
    assert "none of fastText by its name" in fault_of(tmp_path, model="words.txt")


def test_a_model_that_was_never_trained_to_classify_is_refused(tmp_path: Path) -> None:
    folder = hugging_face_folder(tmp_path / "model", LABELS)
    weights = load_file(folder / "model.safetensors")
    kept = {name: each for name, each in weights.items() if not name.startswith("classifier")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"the weights lack classifier\.bias, classifier\.weight"):
        score_of(folder, label="rude")
    broken = {name: torch.full_like(each, math.nan) for name, each in weights.items()}
    save_file(broken, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="its output is no number for a text that begins 'a b'"):
        score_of(folder, label="rude", min=0.1)("a b")
