"""A model is served over OpenAI's API, with the server of `transformers`."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from support.tiny_model import save_tiny, tiny_tokenizer

from llmtrain_trainer import serve
from llmtrain_trainer.conversations.template import ensure_chat_template

_LLMTRAIN = str(Path(sys.executable).with_name("llmtrain"))
_WITHIN_SECONDS = 120
_LOOK_SECONDS = 0.2


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _ask(url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=_WITHIN_SECONDS) as answer:
        return json.loads(answer.read())


@contextmanager
def _served(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    port = _free_port()
    command = [_LLMTRAIN, "serve", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_healthy(server, url)
            yield server, url
        finally:
            server.kill()


def _wait_until_healthy(server: "subprocess.Popen[str]", url: str) -> None:
    deadline = time.monotonic() + _WITHIN_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            _ask(f"{url}/health")
        except URLError:
            time.sleep(_LOOK_SECONDS)
        else:
            return
    raise AssertionError("it does not answer")


@pytest.mark.slow
def test_a_model_answers_in_openai_s_form(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    ensure_chat_template(tokenizer)
    folder = save_tiny(tmp_path / "model", tokenizer=tokenizer)
    with _served(folder) as (server, url):
        assert server.stdout is not None
        assert server.stdout.readline() == f"{url}/v1 serves the model {folder}\n"
        question = {"model": str(folder), "messages": [{"role": "user", "content": "Hello"}]}
        answer = _ask(f"{url}/v1/chat/completions", question | {"max_tokens": 4})
        assert answer["object"] == "chat.completion"
        assert answer["choices"][0]["message"]["role"] == "assistant"
        assert answer["usage"]["completion_tokens"] <= 4
        server.send_signal(signal.SIGINT)
        server.wait(_WITHIN_SECONDS)


def test_a_folder_without_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve.main([str(tmp_path)]) == 2
    assert f"error: {tmp_path}: holds no model" in capsys.readouterr().err
