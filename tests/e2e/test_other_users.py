"""A real run, as another user of the same machine sees it, and another network namespace."""

import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import psutil
import pytest
from support.another_namespace import reached_from_another_namespace
from support.another_user import what_another_user_gets
from support.local_run import LocalRun, small_spec, write_corpus, write_manifest
from support.strangers_folder import strangers_folder, what_ran

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        os.geteuid() != 0,
        reason="NOT TESTED without root: what another user finds of a run (it becomes that user)",
    ),
]

_SHARED = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - where others can look


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that all users may look into, unlike pytest's own."""
    path = Path(mkdtemp(prefix="open-to-all-"))
    path.chmod(0o755)
    yield path
    rmtree(path)


def test_another_user_finds_nothing_and_a_stranger_s_folder_runs_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of two workers, started in a folder that holds modules of Python's names."""
    stranger = strangers_folder(folder / "downloads")
    monkeypatch.chdir(stranger)
    write_corpus(folder)
    with LocalRun(write_manifest(folder, _spec()), folder / "run") as run:
        run.wait_for_step(1)
        family = _family(run.process.pid)
        sockets = [each for process in family for each in _connections(process)]
        listening = [each for each in sockets if each.status == psutil.CONN_LISTEN]
        elsewhere = [each.laddr for each in listening if not _is_loopback(each.laddr.ip)]
        paths = _paths(family, run.workspace.root, inputs=folder)
        ports = {each.laddr.port for each in listening}
        found = what_another_user_gets(paths, ports)
        reached = reached_from_another_namespace(ports)

    assert len(listening) > 10, "of Ray, its workers, the driver"
    assert any(path.endswith("/sockets/raylet") for path in paths)
    assert any(path.endswith("/run/.llmtrain/run.json") for path in paths)
    assert elsewhere == []
    assert found == []
    assert reached == []
    assert what_ran(stranger) == []


def _spec() -> dict[str, object]:
    """A job that trains for hours."""
    whole = small_spec()
    parts = {key: whole[key] for key in ("compute", "data", "tokenizer", "model")}
    return parts | {"pretrain": whole["pretrain"] | {"tokens": 10**9}}


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _connections(process: psutil.Process) -> list["psutil._ntuples.pconn"]:
    try:
        return process.net_connections("inet")
    except psutil.NoSuchProcess:
        return []  # it has just ended


def _is_loopback(address: str) -> bool:
    found = ipaddress.ip_address(address)
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def _paths(family: list[psutil.Process], workspace: Path, inputs: Path) -> set[str]:
    """All files, folders and sockets of a run: of its workspace, and in the shared folders."""
    roots = {workspace}
    for process in family:
        try:
            opened = [each.path for each in process.open_files()]
            opened += [each.laddr for each in process.net_connections("unix") if each.laddr]
            opened.append(process.cwd())
        except (psutil.NoSuchProcess, FileNotFoundError):
            continue
        outside = [Path(each) for each in opened if not Path(each).is_relative_to(inputs)]
        roots |= {found for each in outside if (found := _below_shared(each))}
    everything = (each for root in roots for each in (root, *root.rglob("*")))
    return {str(each) for each in everything if not each.is_symlink()}


def _below_shared(path: Path) -> Path | None:
    """The entry of a shared folder that a path lies in."""
    for shared in map(Path, _SHARED):
        if path.is_relative_to(shared) and path != shared:
            return shared / path.relative_to(shared).parts[0]
    return None
