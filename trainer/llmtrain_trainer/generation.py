"""Text generation, for evaluation and `llmtrain chat`."""

from dataclasses import dataclass
from threading import Event

import torch
from torch import Tensor
from transformers import (
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    StoppingCriteriaList,
)

from llmtrain_trainer.control_tokens import TextTokenizer
from llmtrain_trainer.conversations.conversation import Message
from llmtrain_trainer.conversations.encode import ChatEncoder
from llmtrain_trainer.conversations.template import end_of_turn_ids
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.models.config import context_length


@dataclass(frozen=True)
class Sampling:
    """Settings of the choice of the next token."""

    max_new_tokens: int
    temperature: float
    """Sampling temperature; 0 always takes the likeliest token."""


def encode_chat(
    tokenizer: PreTrainedTokenizerBase, messages: list[Message], *, room: int
) -> list[int]:
    """A conversation up to where the assistant's next turn begins, as tokens.

    Args:
        tokenizer: with a chat template.
        messages: the last one is the user's.
        room: tokens that it may have. Where it would have more the oldest turns are left out, but
            for the system's message; a single message that is still too long loses its start.
    """
    kept, encoder = messages, ChatEncoder(tokenizer)
    while True:
        ids = encoder.encode_prompt(kept)
        shorter = _without_oldest_turn(kept)
        if len(ids) <= room or shorter is None:
            return ids[-room:]
        kept = shorter


def encode_text(tokenizer: PreTrainedTokenizerBase, text: str, *, room: int) -> list[int]:
    """A text to be continued, as tokens; control tokens that it mentions are text.

    Args:
        tokenizer: a fast one.
        text: its start is left out where it is too long; an empty one starts a new document.
        room: tokens that it may have.

    Raises:
        UserError: the text is empty, and the tokenizer has no token that starts a document.
    """
    ids = TextTokenizer(tokenizer.backend_tokenizer.to_str()).encode_ids([text])[0][-room:]
    start = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    if not ids and start is None:
        raise UserError(
            f"{tokenizer.name_or_path}: an empty prompt needs a token to start from; set eos_token "
            "in its tokenizer_config.json, or write a prompt"
        )
    return ids or [int(start)]


def endless_warning(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """A warning where no token ends an answer; None where one does."""
    if end_of_turn_ids(tokenizer):
        return None
    return (
        f"{tokenizer.name_or_path}: the tokenizer has no end-of-text token, and its chat template "
        "no end-of-turn token, so every answer is as long as it may be; set eos_token in its "
        "tokenizer_config.json"
    )


def _without_oldest_turn(messages: list[Message]) -> list[Message] | None:
    """Up to the next question of the user; None where there is no other."""
    is_system = messages[0]["role"] == "system"
    head, rest = messages[:is_system], messages[is_system:]
    for number, message in enumerate(rest):
        if number and message["role"] == "user":
            return [*head, *rest[number:]]
    return None


def prompt_room(model: PreTrainedModel, sampling: Sampling) -> int:
    """Tokens that a prompt may have; half of the context at least."""
    longest = context_length(model.config)
    return max(longest // 2, longest - sampling.max_new_tokens)


def generate_inputs(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompt: list[int],
    sampling: Sampling,
) -> dict[str, Tensor | GenerationConfig]:
    """The arguments of `model.generate` that continue a prompt within the model's context.

    Args:
        model: a decoder.
        tokenizer: its own.
        prompt: tokens, fewer than the context has.
        sampling: how to continue.
    """
    ids = torch.tensor([prompt], device=model.device)
    ends = end_of_turn_ids(tokenizer)
    # The library's own default would cut the distribution off at 50 tokens.
    chosen = {"temperature": sampling.temperature, "top_k": 0} if sampling.temperature else {}
    left = context_length(model.config) - len(prompt)
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "generation_config": GenerationConfig(
            max_new_tokens=min(sampling.max_new_tokens, left),
            do_sample=bool(chosen),
            eos_token_id=ends or None,
            pad_token_id=ends[0] if ends else 0,  # one prompt at a time needs no padding
            **chosen,
        ),
    }


def stop_when(unwanted: Event) -> StoppingCriteriaList:
    """The argument of `model.generate` that stops generation on request."""

    def check(ids: Tensor, _scores: Tensor, **_: object) -> Tensor:
        return torch.full((len(ids),), unwanted.is_set(), device=ids.device)

    return StoppingCriteriaList([check])
