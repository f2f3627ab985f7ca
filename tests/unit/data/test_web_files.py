"""Input files of a web server and of the hub, and globs as on a local disk."""

import glob
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants
from hypothesis import given
from hypothesis import strategies as st
from support.stage_context import stage_context
from support.web_files import COMMIT, TOKEN, WebFiles

from llmtrain_api.spec.data import FileFormat, Files
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.data.sources.files import FileShard, file_shards
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.object_storage import retries, stored_files
from llmtrain_trainer.object_storage.faults import StoreError
from llmtrain_trainer.object_storage.globs import Stored, matching
from llmtrain_trainer.object_storage.places import place_of
from llmtrain_trainer.object_storage.retries import Patience

LINES = b"".join(b'{"text": "number %02d"}\n' % number for number in range(100))


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebFiles]:
    """A server, which is the hub too."""
    monkeypatch.setattr(retries, "_FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(stored_files, "_PATIENCE", Patience(seconds=20))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    place_of.cache_clear()
    with WebFiles() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            server.address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        yield server
    close_session()
    place_of.cache_clear()


def shards(folder: Path, url: str, kind: FileFormat = FileFormat.JSONL) -> list[FileShard]:
    """What is found of a URL."""
    return file_shards(Files(paths=(url,), format=kind), stage_context("data", folder))


def texts(found: list[FileShard]) -> list[str]:
    """The documents of some shards."""
    return [text for shard in found for text in shard.documents(BadRows(0))]


def test_files_of_a_web_server_are_read_in_parts_again_where_they_are_torn(
    web: WebFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_files, "_BUFFER_BYTES", 700)
    web.files = {"/raw/a b.jsonl": LINES, "/empty.jsonl": b""}
    found = shards(tmp_path, f"{web.address}/raw/a%20b.jsonl")
    web.refuse_with, web.cut = [503, 429], 2
    assert texts(found) == [f"number {n:02}" for n in range(100)]
    assert web.cut == 0
    assert texts(shards(tmp_path, f"{web.address}/empty.jsonl")) == []


@pytest.mark.parametrize(
    ("name", "status", "fault"),
    [
        ("none", 200, "files.paths http://127.0.0.1:.*/none: there is no such file"),
        ("a", 403, "files.paths http://127.0.0.1:.*/a: access was refused; it has to list and"),
    ],
)
def test_what_a_web_server_refuses_is_the_users_error(
    web: WebFiles, tmp_path: Path, name: str, status: int, fault: str
) -> None:
    web.files = {"/a": LINES}
    web.refuse_with = [status] if status != 200 else []
    with pytest.raises(UserError, match=fault):
        shards(tmp_path, f"{web.address}/{name}")


def test_a_server_that_sends_whole_files_only_is_refused(web: WebFiles, tmp_path: Path) -> None:
    web.files, web.sends_parts = {"/a": LINES}, False
    with pytest.raises(UserError, match=r"/a: the server sends whole files, not the parts"):
        shards(tmp_path, f"{web.address}/a")


def test_a_web_file_that_changes_or_is_cut_for_ever_ends_the_stage(
    web: WebFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_files, "_PATIENCE", Patience(seconds=0.2))
    web.files = {"/a": LINES}
    found = shards(tmp_path, f"{web.address}/a")
    web.files = {"/a": LINES.replace(b"number 9", b"number 8")}
    with pytest.raises(UserError, match=r"/a: the file is not what it was"):
        texts(found)
    web.files, web.cut = {"/a": LINES}, 1000
    with pytest.raises(StoreError, match=r"files\.paths http://.*/a: "):
        texts(found)


def test_files_of_a_data_set_are_read_at_one_commit(web: WebFiles, tmp_path: Path) -> None:
    web.dataset = {"data/a.jsonl": LINES[:440], "data/b.jsonl": LINES[440:], "README.md": b"#"}
    found = shards(tmp_path, "hf://datasets/team/texts@main/data/*.jsonl")
    assert [shard.source for shard in found] == [
        f"hf://datasets/team/texts@main/data/{name}.jsonl" for name in "ab"
    ]
    assert found[0].file.path.root == f"hf://datasets/team/texts@{COMMIT}"  # type: ignore[union-attr]
    web.cut = 1
    assert len(texts(found)) == 100
    assert texts(shards(tmp_path, "hf://datasets/team/texts/README.md", FileFormat.TEXT)) == ["#"]


@pytest.mark.parametrize(
    ("url", "token", "fault"),
    [
        ("hf://datasets/team/texts/a.jsonl", "hf_wrong", "access was refused; it has to list"),
        ("hf://datasets/team/none/a.jsonl", TOKEN, "the data set does not exist"),
        ("hf://datasets/team/texts/none.jsonl", TOKEN, "there is no such file"),
        ("hf://datasets/team/texts/none/*.jsonl", TOKEN, "this glob matches no file"),
    ],
)
@pytest.mark.usefixtures("web")
def test_what_the_hub_refuses_is_the_users_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, token: str, fault: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(UserError, match=fault) as error:
        shards(tmp_path, url)
    assert error.value.message.startswith(f"data.sources files.paths {url}")


NAMES = [
    "a.txt",
    "ab.txt",
    ".c.txt",
    "d/a.txt",
    "d/.e/a.txt",
    "d/f/a.txt",
    "d/f/g/b.md",
    ".h/a.txt",
    "[x]/a.txt",
]


class Names:
    """A listing of some names."""

    def look(self, path: str) -> Stored | None:
        """The object or folder of this name."""
        folders = {name[:n] for name in NAMES for n, letter in enumerate(name) if letter == "/"}
        return Stored(path, 1) if path in NAMES else Stored(path, None) if path in folders else None

    def children(self, folder: str) -> list[Stored]:
        """The objects and folders directly in a folder."""
        start = f"{folder}/" if folder else ""
        inside = {
            name.removeprefix(start).split("/")[0] for name in NAMES if name.startswith(start)
        }
        return [found for name in inside if (found := self.look(start + name))]

    def below(self, folder: str) -> list[Stored]:
        """All objects in a folder and in the folders in it."""
        start = f"{folder}/" if folder else ""
        return [Stored(name, 1) for name in NAMES if name.startswith(start)]


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same names."""
    root = tmp_path_factory.mktemp("names")
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@given(
    parts=st.lists(
        st.sampled_from(
            ["*", "**", "a*", "?.txt", "*.txt", "d", "f", ".*", "[ad]", "[[]x]", "a.txt"]
        ),
        min_size=1,
        max_size=4,
    )
)
def test_globs_match_what_they_match_on_a_disk(disk: Path, parts: list[str]) -> None:
    pattern = "/".join(parts)
    matches = glob.glob(pattern, root_dir=disk, recursive=True)  # noqa: PTH207 - the model
    expected = sorted({name for name in matches if (disk / name).is_file()})
    assert [each.path for each in matching(Names(), pattern)] == expected
