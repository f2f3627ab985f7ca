"""`model.initFrom` names a folder or a model of the hub; one of the hub is fetched once."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from huggingface_hub import constants
from support.later_stage_context import stage_context
from support.tiny_model import save_tiny

from llmtrain_api.stages import Stage
from llmtrain_trainer.__main__ import run_stage
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.models.pipeline import fetch_initial_model, initial_model
from llmtrain_trainer.models.stored import load_model
from llmtrain_trainer.stage import StageContext

NAME = "someone/tiny"
COMMIT = "0123456789abcdef" * 2 + "01234567"


def context_of(folder: Path) -> StageContext:
    return stage_context(folder, Stage.EVALUATE, model={"initFrom": NAME}, evaluate={})


@contextmanager
def hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Serve a folder as the hub would, as the only model there is; gives the paths asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self.wfile.write(self._answer())

        def _answer(self) -> bytes:
            asked.append(self.path)
            path = self.path.partition("?")[0]
            if path == f"/api/models/{NAME}/revision/main":
                return self._send(json.dumps({"id": NAME, "sha": COMMIT, "siblings": []}).encode())
            if path == f"/api/models/{NAME}/tree/{COMMIT}":
                files = [each for each in folder.rglob("*") if each.is_file()]
                return self._send(json.dumps([_entry(folder, each) for each in files]).encode())
            name = path.partition(f"/{NAME}/resolve/{COMMIT}/")[2]
            if name:
                return self._send((folder / name).read_bytes())
            self.send_error(404)
            return b""

        def _send(self, body: bytes) -> bytes:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            return body

        def log_message(self, *_: object) -> None:
            """Keep the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    endpoint = f"http://127.0.0.1:{server.server_port}"
    template = f"{endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _entry(folder: Path, file: Path) -> dict[str, object]:
    content = file.read_bytes()
    return {
        "type": "file",
        "path": str(file.relative_to(folder)),
        "size": len(content),
        "oid": hashlib.sha256(content).hexdigest(),
    }


def test_a_model_of_the_hub_is_fetched_once_and_without_pickles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = save_tiny(tmp_path / "hub")
    (shared / "pytorch_model.bin").write_bytes(b"pickle")
    (shared / "consolidated.safetensors").write_bytes(b"the same once more")
    (shared / "onnx").mkdir()
    (shared / "onnx" / "config.json").write_text("{}")
    context = context_of(tmp_path / "job")
    with hub(shared, monkeypatch) as asked:
        fetch_initial_model(context)
        assert asked
        asked.clear()
        fetch_initial_model(context)
        assert not asked
    folder = initial_model(context.config)
    assert folder == context.workspace.model("initial")
    assert sorted(path.name for path in folder.iterdir()) == [
        "complete.json",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    load_model(folder)


def test_the_service_of_the_export_is_checked_once_the_model_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = {"image": "ray-llm", "gpuMemory": "24Gi", "gpusPerReplica": 3}
    context = stage_context(
        tmp_path / "job",
        Stage.FINETUNE,
        model={"initFrom": NAME},
        finetune={"data": {"sources": [{"files": {"paths": ["chats.jsonl"]}}]}},
        export={"rayService": service},
        claim={"claimName": "job-workspace"},
    )
    with (
        hub(save_tiny(tmp_path / "hub"), monkeypatch) as asked,
        pytest.raises(UserError, match=r"export\.rayService: gpusPerReplica is 3"),
    ):
        run_stage(context)
    assert asked


def test_a_model_without_safetensors_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = save_tiny(tmp_path / "hub")
    (shared / "model.safetensors").rename(shared / "pytorch_model.bin")
    context = context_of(tmp_path / "job")
    with (
        hub(shared, monkeypatch),
        pytest.raises(UserError, match=r"model\.initFrom someone/tiny: it has no \*\.safetensors"),
    ):
        fetch_initial_model(context)
    assert not list(context.workspace.model("initial").parent.glob("*"))


def test_a_folder_wins_and_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = context_of(tmp_path / "job")
    local = save_tiny(tmp_path / "job" / NAME)
    with hub(tmp_path, monkeypatch) as asked:
        fetch_initial_model(context)
    assert not asked
    assert initial_model(context.config) == local


def test_without_the_hub_the_cache_is_used_and_where_it_lacks_the_model_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    context = context_of(tmp_path / "job")
    with pytest.raises(
        UserError, match=r"model\.initFrom someone/tiny: it must be a folder below .*HF_HUB_OFFLINE"
    ):
        fetch_initial_model(context)
    kept = tmp_path / "cache" / "models--someone--tiny"
    save_tiny(kept / "snapshots" / COMMIT)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(COMMIT)
    fetch_initial_model(context)
    load_model(initial_model(context.config))


def test_another_name_is_another_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = context_of(tmp_path / "job")
    with hub(save_tiny(tmp_path / "hub"), monkeypatch):
        fetch_initial_model(context)
        other = stage_context(tmp_path / "job", Stage.EVALUATE, model={"initFrom": "no/such"})
        assert not initial_model(other.config).exists()
        with pytest.raises(UserError, match=r"model\.initFrom no/such: .*404"):
            fetch_initial_model(other)
    assert initial_model(context.config).exists()  # the first is still whole
