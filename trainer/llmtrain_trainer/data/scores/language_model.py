"""Scores by a causal language model in a Hugging Face folder: bits per byte, or mean entropy.

Each document goes through the model by itself, window by window, with one thread of the processor:
its score does not depend on other documents, on batches or on the machine's cores.

Bits per byte are those of the evaluation: the negative log-likelihoods of the tokens in nats, over
ln 2 and the bytes of UTF-8 text. The first token of a document follows the end-of-text token; the
first of a window follows the last one of the window before, and sees no more than that.
"""

import math
from collections.abc import Callable

import torch

from llmtrain_api.spec.step_sections.perplexity import Measure, Perplexity
from llmtrain_trainer.control_tokens import TextTokenizer, end_of_text_id
from llmtrain_trainer.data.scores.hugging_face import one_thread
from llmtrain_trainer.data.step_files import StepFiles
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.models.config import context_length, require_vocabulary
from llmtrain_trainer.models.likelihood import label_nats, prediction_entropies
from llmtrain_trainer.models.stored import load_model, stored_config
from llmtrain_trainer.models.tokenizer import load_tokenizer

_LONGEST_WINDOW = 1024
"""Tokens; predictions for them take 4 bytes for each word of the vocabulary and each token."""
_CAUSAL = ("ForCausalLM", "LMHeadModel")


def require_language_model(files: StepFiles) -> None:
    """Make sure that a folder holds a causal language model; its weights are not loaded.

    Raises:
        UserError: it does not.
    """
    try:
        config = stored_config(files.path)
        tokenizer = load_tokenizer(files.path)
        require_vocabulary(config, len(tokenizer), where=str(files.path))
        end_of_text_id(tokenizer)
    except UserError as error:
        raise UserError(f"{files.field}: {error.message}", reason=error.reason) from error
    names = config.architectures or ()
    if not any(name.endswith(_CAUSAL) for name in names):
        raise UserError(
            f"{files.field}: {files.path}/config.json: {', '.join(names) or 'no architecture'} "
            "predicts no next token; it must be a causal language model, as llmtrain exports it",
            reason="InvalidModel",
        )


def load_language_model(files: StepFiles, section: Perplexity) -> Callable[[str], float]:
    """Load a model and its tokenizer.

    Returns:
        The function that gives a text's score: NaN where the tokenizer makes no token of it.

    Raises:
        UserError: the folder holds no such model, or not all of it.
    """
    require_language_model(files)
    tokenizer = load_tokenizer(files.path)
    model = load_model(files.path).eval()
    encoder = TextTokenizer(tokenizer.backend_tokenizer.to_str())
    start_id = end_of_text_id(tokenizer)
    window = min(_LONGEST_WINDOW, context_length(model.config))

    def score(text: str) -> float:
        part = beginning(text, section.max_bytes)
        ids = encoder.encode_ids([part])[0]
        if not ids:
            return math.nan
        sequence = torch.tensor([start_id, *ids])
        sums = []
        with one_thread():
            for start in range(0, len(ids), window):
                some = sequence[start : start + window + 1][None]
                inputs, labels = some[:, :-1], some[:, 1:]
                if section.score is Measure.ENTROPY:
                    sums.append(float(prediction_entropies(model, inputs).sum()))
                else:
                    sums.append(float(label_nats(model, inputs, labels).sum()))
        size = len(ids) if section.score is Measure.ENTROPY else len(part.encode())
        found = math.fsum(sums) / math.log(2) / size
        if not math.isfinite(found):
            raise UserError(
                f"{files.field}: its predictions are no numbers for a text that begins "
                f"{text[:40]!r}; its weights may be damaged",
                reason="InvalidModel",
            )
        return found

    return score


def beginning(text: str, max_bytes: int) -> str:
    """The beginning of a text that has so many bytes of UTF-8 at most."""
    if len(text) * 4 <= max_bytes:
        return text
    return text[:max_bytes].encode()[:max_bytes].decode(errors="ignore")
