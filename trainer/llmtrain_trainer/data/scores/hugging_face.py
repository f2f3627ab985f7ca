"""Scores by a model for sequence classification in a Hugging Face folder.

Each part of a document goes through the model by itself: among others it would be padded, and its
score would depend on its neighbours in its last digits.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from llmtrain_api.spec.step_sections.classifier import Aggregate, Classifier
from llmtrain_trainer.data.scores.labels import known_label
from llmtrain_trainer.data.step_files import StepFiles
from llmtrain_trainer.errors import UserError, in_one_line

_MOST_TOKENS = 512
_SEVERAL_LABELS = "multi_label_classification"
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    OSError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""Errors of the library over a stranger's files."""


def require_classifier(files: StepFiles, section: Classifier) -> None:
    """Make sure that a folder holds a classifier with a label; its weights are not loaded.

    Raises:
        UserError: it does not.
    """
    for pattern in ("config.json", "*.safetensors", "tokenizer*"):
        if not [*files.path.glob(pattern)]:
            raise UserError(
                f"{files.field}: {files.path} has no {pattern}; it must hold a model for sequence "
                "classification and its tokenizer, as `save_pretrained` writes them",
                reason="InvalidModel",
            )
    _label(files, section, _config(files))
    _tokenizer(files)


def load_classifier(files: StepFiles, section: Classifier) -> Callable[[str], float]:
    """Load a model and its tokenizer.

    Returns:
        The function that gives a text's score: NaN where the tokenizer makes no token of it.

    Raises:
        UserError: the folder holds no classifier with the label, or not all of it.
    """
    config = _config(files)
    number = _label(files, section, config)
    tokenizer = _tokenizer(files)
    model = _model(files, config)
    longest = min(_MOST_TOKENS, tokenizer.model_max_length, _positions(config))
    activation = _activation(config)

    def outputs(part: dict[str, torch.Tensor]) -> torch.Tensor:
        try:
            with one_thread(), torch.inference_mode():
                found: torch.Tensor = activation(model(**part).logits[0].float())
        except (LookupError, RuntimeError, TypeError, ValueError) as error:
            raise UserError(
                f"{files.field}: {in_one_line(error)}; it cannot score {longest} tokens at once: "
                "set model_max_length in its tokenizer_config.json, if that is the reason",
                reason="InvalidModel",
            ) from error
        return found

    def score(text: str) -> float:
        parts = _parts(text, tokenizer, longest)
        if not parts:
            return math.nan
        scores = [float(outputs(part)[number]) for part in parts]
        if not all(map(math.isfinite, scores)):
            raise UserError(
                f"{files.field}: its output is no number for a text that begins "
                f"{text[:40]!r}; its weights may be damaged",
                reason="InvalidModel",
            )
        if section.aggregate is Aggregate.MAX:
            return max(scores)
        sizes = [part["input_ids"].shape[1] for part in parts]
        weighted = (size * each for size, each in zip(sizes, scores, strict=True))
        return math.fsum(weighted) / sum(sizes)

    return score


def _parts(text: str, tokenizer: Any, longest: int) -> list[dict[str, torch.Tensor]]:  # noqa: ANN401
    """The model's inputs for each part of a text, each of shape (1, tokens)."""
    encoded = tokenizer(text, truncation=True, max_length=longest, return_overflowing_tokens=True)
    names = [name for name in tokenizer.model_input_names if name in encoded]
    return [
        {name: torch.tensor([encoded[name][part]]) for name in names}
        for part, ids in enumerate(encoded["input_ids"])
        if len(ids) > tokenizer.num_special_tokens_to_add()
    ]


def _config(files: StepFiles) -> Any:  # noqa: ANN401 - a class of each architecture
    try:
        return AutoConfig.from_pretrained(files.path, trust_remote_code=False)
    except _FAULTS as error:
        raise _invalid(files, error) from error


def _label(files: StepFiles, section: Classifier, config: Any) -> int:  # noqa: ANN401
    """The number of the output that counts."""
    if config.num_labels == 1 and section.label is None:
        return 0
    numbers = {name: number for number, name in config.id2label.items()}
    return int(numbers[known_label(files.field, section.label, [*numbers])])


def _activation(config: Any) -> Callable[[torch.Tensor], torch.Tensor]:  # noqa: ANN401
    """The function that makes scores of the model's outputs, shape (labels,)."""
    if config.problem_type == _SEVERAL_LABELS:
        return torch.sigmoid
    if config.num_labels == 1:
        return lambda logits: logits
    return lambda logits: torch.softmax(logits, dim=0)


def _positions(config: Any) -> int:  # noqa: ANN401
    """Tokens that the model takes at once."""
    return int(getattr(config, "max_position_embeddings", None) or _MOST_TOKENS)


def _tokenizer(files: StepFiles) -> Any:  # noqa: ANN401
    try:
        tokenizer = AutoTokenizer.from_pretrained(files.path, trust_remote_code=False)
    except _FAULTS as error:
        raise _invalid(files, error) from error
    if not tokenizer.is_fast:
        raise UserError(
            f"{files.field}: it has no tokenizer.json; save it with transformers' fast tokenizer "
            "first",
            reason="InvalidModel",
        )
    return tokenizer


def _model(files: StepFiles, config: Any) -> Any:  # noqa: ANN401
    try:
        model, found = AutoModelForSequenceClassification.from_pretrained(
            files.path,
            config=config,
            dtype=torch.float32,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except _FAULTS as error:
        raise _invalid(files, error) from error
    # The library would make them up, with a warning: those of a model that is no classifier.
    if missing := sorted(found["missing_keys"]):
        raise UserError(
            f"{files.field}: the weights lack {', '.join(missing[:3])}; it must have been trained "
            "as a classifier",
            reason="InvalidModel",
        )
    return model.eval()


def _invalid(files: StepFiles, error: Exception) -> UserError:
    return UserError(
        f"{files.field}: {in_one_line(error)}; it must be a model for sequence classification",
        reason="InvalidModel",
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums in the same order on every machine, however many cores it has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
