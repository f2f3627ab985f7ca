"""Talk to an exported model in a terminal: `python -m llmtrain_trainer.chat FOLDER`.

With `--ask`, or with questions piped in (one a line), it answers and ends.
"""

import argparse
import logging
import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, nullcontext, suppress
from io import TextIOWrapper
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from llmtrain_api.visible import visible
from llmtrain_trainer.errors import UserError, missing_package
from llmtrain_trainer.outcome import leave

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from llmtrain_trainer.conversations.conversation import Message
    from llmtrain_trainer.generation import Sampling

_HELP = "Ctrl-C stops an answer, Ctrl-D or /exit leaves, /reset forgets the conversation."
_ENDED_BY_SIGINT = 128 + signal.SIGINT
_COLDEST, _HOTTEST = 0.01, 10.0
"""The bounds of `evaluate.generations.temperature`."""
_SEEDS = 2**63


def reply(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    messages: "list[Message]",
    sampling: "Sampling",
) -> Generator[str, None, None]:
    """Generate a model's answer, piece by piece; closing the generator stops the model.

    Args:
        model: on its device.
        tokenizer: the model's own; without a chat template the last message is continued as text.
        messages: the conversation so far; the last one is the user's.
        sampling: how the next token is chosen.
    """
    from transformers import TextIteratorStreamer

    from llmtrain_trainer.generation import (
        encode_chat,
        encode_text,
        generate_inputs,
        prompt_room,
        stop_when,
    )

    room = prompt_room(model, sampling)
    if tokenizer.chat_template is None:
        prompt = encode_text(tokenizer, messages[-1]["content"], room=room)
    else:
        prompt = encode_chat(tokenizer, messages, room=room)
    inputs = generate_inputs(model, tokenizer, prompt, sampling)
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    errors: list[BaseException] = []
    unwanted = Event()

    def write() -> None:
        try:
            model.generate(**inputs, streamer=streamer, stopping_criteria=stop_when(unwanted))
        except BaseException as error:  # noqa: BLE001 - raised again where the text is read
            errors.append(error)
            streamer.end()

    thread = Thread(target=write)
    thread.start()
    try:
        yield from streamer
    finally:
        unwanted.set()
        thread.join()
    if errors:
        raise errors[0]


class ChatSession:
    """A conversation on the terminal.

    Args:
        model: on its device.
        tokenizer: the model's own.
        sampling: how the next token is chosen.
    """

    def __init__(
        self,
        model: "PreTrainedModel",
        tokenizer: "PreTrainedTokenizerBase",
        sampling: "Sampling",
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._sampling = sampling
        self._messages: list[Message] = []

    def answer(self, question: str) -> None:
        """Write the answer to a question on standard output.

        Raises:
            KeyboardInterrupt: Ctrl-C; what was written so far stays in the conversation.
            UserError: the question is not UTF-8.
        """
        try:
            question.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"the question is not UTF-8 at character {error.start}; write it as UTF-8"
            ) from error
        self._messages.append({"role": "user", "content": question})
        answer = ""
        try:
            with closing(
                reply(self._model, self._tokenizer, self._messages, self._sampling)
            ) as pieces:
                for piece in pieces:
                    answer += piece
                    _say(piece, end="")
        finally:
            _say("")
            self._messages.append({"role": "assistant", "content": answer})

    def reset(self) -> None:
        """Forget the conversation."""
        self._messages.clear()


def main(arguments: list[str] | None = None) -> int:
    """Run a conversation with a model; returns the exit code.

    Args:
        arguments: command line arguments; by default the process's own.
    """
    options = _parse(arguments)
    if isinstance(sys.stdout, TextIOWrapper):  # a terminal with another charset
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        talk = _load(options)
        if options.ask is not None:
            talk.answer(options.ask)
        elif sys.stdin.isatty():
            _say(_HELP)
            _converse(talk, _typed(), stays=True)
        else:
            _converse(talk, sys.stdin, stays=False)
    except UserError as error:
        print(f"error: {visible(error.message)}", file=sys.stderr)  # noqa: T201 - a terminal program
        return int(error.exit_code)
    except KeyboardInterrupt:
        return _ENDED_BY_SIGINT
    return 0


def _converse(talk: ChatSession, lines: Iterator[str], *, stays: bool) -> None:
    """Answer each line until the lines end.

    Args:
        talk: the conversation.
        lines: the questions.
        stays: whether Ctrl-C ends only the answer.
    """
    for line in lines:
        match line.strip():
            case "":
                continue
            case "/exit":
                return
            case "/reset":
                talk.reset()
            case question:
                with suppress(KeyboardInterrupt) if stays else nullcontext():
                    talk.answer(question)


def _typed() -> Iterator[str]:
    """Lines from the keyboard, until Ctrl-D or Ctrl-C."""
    import readline  # noqa: F401 - lets `input` edit a line and find older ones

    while True:
        try:
            yield input("> ")
        except (EOFError, KeyboardInterrupt):
            _say("")
            return


def _load(options: argparse.Namespace) -> ChatSession:
    """The model, ready to talk.

    Raises:
        UserError: the folder holds no model, or the libraries to run one are missing.
    """
    try:
        import torch

        from llmtrain_trainer.generation import Sampling, endless_warning
        from llmtrain_trainer.models.config import require_vocabulary
        from llmtrain_trainer.models.stored import load_model
        from llmtrain_trainer.models.tokenizer import load_tokenizer
    except ModuleNotFoundError as error:
        raise missing_package("chat", error) from error

    logging.getLogger("transformers").setLevel(logging.ERROR)
    folder = options.folder.resolve()
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give one that the export stage wrote")
    model = load_model(folder).eval()
    if torch.cuda.is_available():
        model = model.to(device="cuda", dtype=torch.bfloat16)
    tokenizer = load_tokenizer(folder)
    require_vocabulary(model.config, len(tokenizer), where=str(folder))
    if tokenizer.chat_template is None:
        print(  # noqa: T201 - a terminal program
            "This model was not fine-tuned to chat: it continues your text.", file=sys.stderr
        )
    if warning := endless_warning(tokenizer):
        print(f"warning: {warning}", file=sys.stderr)  # noqa: T201 - a terminal program
    if options.seed is not None:
        torch.manual_seed(options.seed)
    return ChatSession(model, tokenizer, Sampling(options.max_new_tokens, options.temperature))


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="llmtrain chat", description="Talk to a model.")
    parser.add_argument("folder", type=Path, help="a model that the export stage wrote")
    parser.add_argument("--ask", metavar="QUESTION", help="answer this one, and end")
    parser.add_argument("--max-new-tokens", type=int, default=256, help="longest answer")
    parser.add_argument(
        "--temperature", type=float, default=0.7, help="0: the likeliest token each time"
    )
    parser.add_argument("--seed", type=int, help="makes answers repeatable")
    options = parser.parse_args(arguments)
    if options.max_new_tokens < 1:
        parser.error("--max-new-tokens must be at least 1")
    if options.temperature != 0 and not _COLDEST <= options.temperature <= _HOTTEST:
        parser.error(f"--temperature must be 0, or from {_COLDEST} to {_HOTTEST:g}")
    if options.seed is not None and not 0 <= options.seed < _SEEDS:
        parser.error(f"--seed must be from 0 to {_SEEDS - 1}")
    return options


def _say(text: str, end: str = "\n") -> None:
    print(visible(text), end=end, flush=True)  # noqa: T201 - a terminal program


if __name__ == "__main__":
    leave(main())
