"""Pyarrow's filesystems of object storage, as the job's environment names them."""

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_trainer.errors import UserError

if TYPE_CHECKING:
    from pyarrow import fs

_CONNECT_SECONDS = 10
_REQUEST_SECONDS = 60
_GOOGLE_RETRIES = timedelta(seconds=5)
"""Pyarrow's own retries, of 15 minutes by default, cannot be switched off; we retry."""


def connect(url: str) -> "tuple[fs.FileSystem, str]":
    """The filesystem of a URL, and the URL's path in it.

    Args:
        url: `s3://BUCKET/PREFIX`, or another URL that pyarrow knows, without credentials.

    Raises:
        UserError: a variable that names the account is missing.
        OSError: the store cannot be reached, or the folder of a `file://` URL does not exist.
    """
    from pyarrow import fs

    scheme, _, path = url.partition("://")
    path = path.rstrip("/")
    if scheme == "file":
        Path(f"{path}/").stat()
    if scheme == "s3":
        return _amazon(path), path
    if scheme == "gs":
        return _google(), path
    if scheme == "az":
        return _azure(url), path
    system, root = fs.FileSystem.from_uri(url)
    return system, root.rstrip("/")


def _amazon(path: str) -> "fs.S3FileSystem":
    """S3, or another server that speaks its protocol.

    Args:
        path: bucket and prefix.
    """
    from pyarrow import fs

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region is None and endpoint is None:
        region = fs.resolve_s3_region(path.partition("/")[0])
    return fs.S3FileSystem(
        region=region,
        endpoint_override=endpoint,
        connect_timeout=_CONNECT_SECONDS,
        request_timeout=_REQUEST_SECONDS,
        allow_delayed_open=True,  # one request for what is small
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),  # we retry
    )


def _google() -> "fs.GcsFileSystem":
    """Google Cloud Storage, or the emulator that Google's variable for it names."""
    from pyarrow import fs

    emulator = os.environ.get("STORAGE_EMULATOR_HOST")
    if not emulator:
        return fs.GcsFileSystem(retry_time_limit=_GOOGLE_RETRIES)
    scheme, _, host = emulator.rpartition("://")
    return fs.GcsFileSystem(
        anonymous=True,
        endpoint_override=host,
        scheme=scheme or "http",
        retry_time_limit=_GOOGLE_RETRIES,
    )


def _azure(url: str) -> "fs.AzureFileSystem":
    """Azure Blob Storage, by the variables of Azure's own command line.

    Without a key or a token Azure's default credential is used, such as the Pod's identity.
    """
    from pyarrow import fs

    account = os.environ.get("AZURE_STORAGE_ACCOUNT")
    if not account:
        raise UserError(
            f"{url}: set AZURE_STORAGE_ACCOUNT in the environment of the job to the name of the "
            "storage account"
        )
    endpoint = os.environ.get("AZURE_STORAGE_SERVICE_ENDPOINT", "")
    scheme, _, address = endpoint.rpartition("://")
    server = address.partition("/")[0] or None
    return fs.AzureFileSystem(
        account,
        account_key=os.environ.get("AZURE_STORAGE_KEY"),
        sas_token=os.environ.get("AZURE_STORAGE_SAS_TOKEN"),
        blob_storage_authority=server,
        blob_storage_scheme=scheme or None,
        dfs_storage_authority=server,
        dfs_storage_scheme=scheme or None,
    )
