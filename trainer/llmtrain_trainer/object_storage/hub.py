"""Data sets of the Hugging Face hub, file by file."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llmtrain_trainer.errors import UserError, in_one_line
from llmtrain_trainer.object_storage.globs import ReadRange, Stored
from llmtrain_trainer.object_storage.web import Web

if TYPE_CHECKING:
    from huggingface_hub import RepoFile, RepoFolder

_PREFIX = "hf://datasets/"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DENIED = frozenset({401, 403})
_MISSING = 404
_KIND = "dataset"


class HubPlace:
    """A data set at one commit, so that its files cannot change while they are read.

    Args:
        root: `hf://datasets/OWNER/NAME`, with `@` and a branch, tag or commit behind it or without.
    """

    def __init__(self, root: str) -> None:
        from huggingface_hub import HfApi, get_token

        self._api = HfApi()
        self._name, _, revision = root.removeprefix(_PREFIX).partition("@")
        if not _COMMIT.fullmatch(revision):
            with _as_os_errors(root):
                found = self._api.dataset_info(self._name, revision=revision or None)
            revision = found.sha or revision
        self._commit = revision
        self.root = f"{_PREFIX}{self._name}@{revision}"
        token = get_token()
        self._web = Web({"Authorization": f"Bearer {token}"} if token else {})

    def exists(self) -> bool:
        """It was found."""
        return True

    def look(self, path: str) -> Stored | None:
        """The file of this name, or a folder; None where there is none."""
        with _as_os_errors(self.root):
            found = self._api.get_paths_info(
                self._name, path, revision=self._commit, repo_type=_KIND
            )
        return next(map(_stored, found), None)

    def children(self, folder: str) -> list[Stored]:
        """The files and folders directly in a folder."""
        return self._list(folder, recursive=False)

    def below(self, folder: str) -> list[Stored]:
        """All files in a folder and in the folders in it."""
        return [each for each in self._list(folder, recursive=True) if each.size is not None]

    def open(self, path: str, stamp: str) -> ReadRange:  # noqa: ARG002 - a commit does not change
        """A function that reads parts of a file."""
        from huggingface_hub import hf_hub_url

        url = hf_hub_url(self._name, path, repo_type=_KIND, revision=self._commit)
        return lambda start, stop: bytes(self._web.get(url, start, stop).content)

    def _list(self, folder: str, *, recursive: bool) -> list[Stored]:
        from huggingface_hub.errors import EntryNotFoundError

        try:
            with _as_os_errors(self.root):
                tree = list(
                    self._api.list_repo_tree(
                        self._name,
                        folder or None,
                        recursive=recursive,
                        revision=self._commit,
                        repo_type=_KIND,
                    )
                )
        except EntryNotFoundError:
            return []
        return [*map(_stored, tree)]


def _stored(found: "RepoFile | RepoFolder") -> Stored:
    from huggingface_hub import RepoFile

    if isinstance(found, RepoFile):
        return Stored(found.path, found.size, found.blob_id)
    return Stored(found.path, None)


@contextmanager
def _as_os_errors(root: str) -> Iterator[None]:
    """Turns errors of the hub's client into those that a filesystem would raise."""
    from httpx2 import HTTPError
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except OfflineModeIsEnabled as error:
        raise UserError(f"{root}: HF_HUB_OFFLINE is set, so nothing can be read") from error
    except EntryNotFoundError:
        raise
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in _DENIED:
            raise PermissionError(in_one_line(error)) from error
        if status == _MISSING:
            raise FileNotFoundError(in_one_line(error)) from error
        raise
    except HTTPError as error:  # of the connection: no OSError, unlike those of the hub
        raise ConnectionError(str(error) or type(error).__name__) from error
