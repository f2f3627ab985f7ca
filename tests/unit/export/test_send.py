"""An exported model arrives whole where `export.to` names, or an error says why it cannot."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants
from support.fake_hub import TOKEN, FakeHub
from support.later_stage_context import stage_context

from llmtrain_api.stages import Stage
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.export.send import check_access, send
from llmtrain_trainer.object_storage import retries
from llmtrain_trainer.object_storage.store import ObjectStore
from llmtrain_trainer.stage import StageContext

MODEL = {"config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"words"}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_FIRST_WAIT_SECONDS", 0.01)


def exported(folder: Path, url: str, files: dict[str, bytes] = MODEL) -> StageContext:
    """A workspace with an exported model, which is to be sent to a URL."""
    context = stage_context(folder, Stage.EXPORT, export={"to": url})
    context.workspace.export.mkdir(parents=True, exist_ok=True)
    for name in [path.name for path in context.workspace.export.iterdir()]:
        (context.workspace.export / name).unlink()
    for name, data in files.items():
        (context.workspace.export / name).write_bytes(data)
    return context


def sums(files: dict[str, bytes]) -> bytes:
    """What `sha256sum` prints of files."""
    lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return "".join(lines).encode()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that stands for a bucket."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def test_a_model_in_object_storage_has_its_names_and_a_list_of_digests_that_comes_last(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    put = ObjectStore._put

    def watched(store: ObjectStore, name: str, source: bytes | Path) -> None:
        names.append(name)
        put(store, name, source)

    monkeypatch.setattr(ObjectStore, "_put", watched)
    send(exported(tmp_path / "job", f"file://{place}"))
    for name, data in MODEL.items():
        assert (place / name).read_bytes() == data
    assert (place / "SHA256SUMS").read_bytes() == sums(MODEL)
    assert names[-1] == "SHA256SUMS"


def test_a_second_export_leaves_no_weights_of_the_first(tmp_path: Path, place: Path) -> None:
    send(exported(tmp_path / "job", f"file://{place}"))
    sharded = {"config.json": b"{}", "model-1.safetensors": b"a", "model-2.safetensors": b"b"}
    send(exported(tmp_path / "job", f"file://{place}", sharded))
    assert {path.name for path in place.iterdir()} == {*sharded, "SHA256SUMS", ".llmtrain-export"}
    assert (place / "SHA256SUMS").read_bytes() == sums(sharded)


def test_what_is_no_export_of_ours_is_left_alone(tmp_path: Path, place: Path) -> None:
    (place / "thesis.tex").write_text("mine")
    context = exported(tmp_path / "job", f"file://{place}")
    for step in (check_access, send):
        with pytest.raises(UserError, match=r"export\.to .* no export of llmtrain \(thesis.tex\)"):
            step(context)
    assert [path.name for path in place.iterdir()] == ["thesis.tex"]


def test_a_missing_place_is_found_before_the_model_is_made(tmp_path: Path) -> None:
    context = exported(tmp_path / "job", f"file://{tmp_path}/nowhere")
    with pytest.raises(UserError, match=r"export\.to file://.* the folder does not exist"):
        check_access(context)


def test_a_job_that_names_no_place_sends_nothing(tmp_path: Path) -> None:
    context = stage_context(tmp_path, Stage.EXPORT, export={})
    check_access(context)
    send(context)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that the environment gives access to."""
    with FakeHub() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        close_session()
        yield hub
        close_session()


def test_a_model_on_the_hub_is_private_and_one_commit(tmp_path: Path, hub: FakeHub) -> None:
    context = exported(tmp_path / "job", "hf://team/model")
    check_access(context)
    send(context)
    assert hub.visibility == {"team/model": "private"}
    assert hub.files["team/model"] == MODEL
    assert hub.commits == 1
    sharded = {"config.json": b"{}", "model-1.safetensors": b"a", "model-2.safetensors": b"b"}
    send(exported(tmp_path / "job", "hf://team/model", sharded))
    assert hub.files["team/model"] == {**sharded, "tokenizer.json": b"words"}


def test_a_hub_that_is_busy_is_asked_again(tmp_path: Path, hub: FakeHub) -> None:
    hub.refuse_with = [503, 429, 500]
    send(exported(tmp_path / "job", "hf://team/model"))
    assert hub.files["team/model"] == MODEL


@pytest.mark.parametrize("token", ["hf_wrongTokenOfTheTests", None])
def test_a_wrong_token_is_the_users_error(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    if token is None:
        monkeypatch.delenv("HF_TOKEN")
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    else:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(UserError, match=r"export\.to hf://team/model: access was ref") as error:
        check_access(exported(tmp_path / "job", "hf://team/model"))
    assert "wrongToken" not in error.value.message
    assert hub.visibility == {}


def test_an_offline_hub_is_the_users_error(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    close_session()
    with pytest.raises(UserError, match="HF_HUB_OFFLINE is set"):
        check_access(exported(tmp_path / "job", "hf://team/model"))
    assert hub.visibility == {}
