"""Models of the Hugging Face hub as a place for an export."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_trainer.errors import UserError, in_one_line
from llmtrain_trainer.object_storage.faults import Permanent, StoreError, Transient
from llmtrain_trainer.object_storage.retries import Patience, retried

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_SCHEME = "hf://"
_STALE = ["*.safetensors", "*.safetensors.index.json"]
"""Weights of an older export with another split would be loaded in place of the new ones."""


def is_hub(url: str) -> bool:
    """Whether a URL names a model of the hub."""
    return url.startswith(_SCHEME)


def check(url: str, *, field_name: str, patience: Patience) -> None:
    """Make sure that the model is there and may be written to; a new one is private.

    Args:
        url: `hf://OWNER/NAME`.
        field_name: the manifest's field with the URL, for messages.
        patience: limits retries.

    Raises:
        UserError: there is no token, or it may not write there.
        StoreError: the hub could not be reached.
    """

    def create(api: "HfApi", model: str) -> None:
        api.create_repo(model, private=True, exist_ok=True)
        api.auth_check(model, write=True)

    _call(create, url, field_name, patience)


def send(folder: Path, url: str, *, field_name: str, patience: Patience) -> None:
    """Commit a folder's files to a model of the hub, as one commit.

    Args:
        folder: the exported model.
        url: `hf://OWNER/NAME`.
        field_name: the manifest's field with the URL, for messages.
        patience: limits retries.

    Raises:
        UserError: there is no token, or it may not write there.
        StoreError: the hub could not be reached.
    """

    def upload(api: "HfApi", model: str) -> None:
        api.upload_folder(
            repo_id=model,
            folder_path=folder,
            commit_message="Export of llmtrain",
            delete_patterns=_STALE,
        )

    check(url, field_name=field_name, patience=patience)
    _call(upload, url, field_name, patience)


def _call(
    operation: Callable[["HfApi", str], None], url: str, field_name: str, patience: Patience
) -> None:
    from httpx2 import HTTPError
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api, model = HfApi(), url.removeprefix(_SCHEME)

    def call() -> None:
        try:
            operation(api, model)
        except HfHubHTTPError:
            raise
        except HTTPError as error:  # of the connection: no OSError, unlike those of the hub
            raise ConnectionError(str(error)) from error

    retried(
        call,
        lambda error: _understand(error, f"{field_name} {url}"),
        patience,
        what=url,
    )


def _understand(error: OSError, place: str) -> Permanent | Transient:
    """What an error of the hub means to the user; all of its errors are OSErrors."""
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
    )

    if isinstance(error, OfflineModeIsEnabled):
        return Permanent(UserError(f"{place}: HF_HUB_OFFLINE is set, so nothing can be sent"))
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    text = in_one_line(error)
    if isinstance(error, LocalTokenNotFoundError) or status in {401, 403, 404}:
        return Permanent(
            UserError(
                f"{place}: access was refused; HF_TOKEN in the environment of the job has to be a "
                f"token that may write there ({text})",
                reason="AccessRefused",
            )
        )
    return Transient(StoreError(f"{place}: {text}"))
