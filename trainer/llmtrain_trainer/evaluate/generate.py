"""Texts that a model writes, for people to read."""

from collections.abc import Sequence

import torch

from llmtrain_api.records import Generation
from llmtrain_trainer.conversations.conversation import Message
from llmtrain_trainer.evaluate.evaluated_model import EvaluatedModel
from llmtrain_trainer.generation import (
    Sampling,
    encode_chat,
    encode_text,
    generate_inputs,
    prompt_room,
)


def generate_texts(
    subject: EvaluatedModel, prompts: Sequence[str], sampling: Sampling, *, seed: int
) -> list[Generation]:
    """Generate a text for each prompt, reproducibly.

    Args:
        subject: answers a prompt where it chats, else continues it.
        prompts: prompts of the manifest.
        sampling: how to continue.
        seed: for every prompt anew, so that a prompt's text does not hang on its neighbours.
    """
    return [
        Generation(
            model=subject.name, prompt=prompt, text=_generate(subject, prompt, sampling, seed)
        )
        for prompt in prompts
    ]


@torch.inference_mode()
def _generate(subject: EvaluatedModel, prompt: str, sampling: Sampling, seed: int) -> str:
    room = prompt_room(subject.model, sampling)
    if subject.chats:
        message = Message(role="user", content=prompt)
        ids = encode_chat(subject.tokenizer, [message], room=room)
    else:
        ids = encode_text(subject.tokenizer, prompt, room=room)
    torch.manual_seed(seed)
    inputs = generate_inputs(subject.model, subject.tokenizer, ids, sampling)
    written = subject.model.generate(**inputs)[0, len(ids) :]
    text: str = subject.tokenizer.decode(written, skip_special_tokens=True)
    return text
