"""URLs of object storage, as the manifest names them: without credentials."""

from typing import Annotated

from pydantic import StringConstraints

from llmtrain_api.base import IsPath, written

_STORED = (
    r"(s3|gs)://[a-z0-9][a-z0-9._-]+(/[A-Za-z0-9_][-A-Za-z0-9_.=]*)*|file://(/[-A-Za-z0-9_.]+)+"
)
_HUB = r"hf://[A-Za-z0-9][-A-Za-z0-9_.]*/[A-Za-z0-9][-A-Za-z0-9_.]*"

MirrorUrl = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024, pattern=f"^({_STORED})$"),
    written("s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or file:///FOLDER, without credentials"),
]
ExportUrl = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024, pattern=f"^({_STORED}|{_HUB})$"),
    written("s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, file:///FOLDER or hf://OWNER/NAME"),
]

_NO_URL = r"([^:\x00]|:(:|/:)*([^:/\x00]|/[^:/\x00]))*(:(:|/:)*/?)?"  # has no "://"
_FILE = (
    r"(s3|gs|az)://[a-z0-9][a-z0-9._-]+/[^\x00]+"
    r"|hf://datasets/[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*(@[^/@\x00]+)?/[^\x00]+"
    r"|https?://[A-Za-z0-9.-]+(:[0-9]+)?/[^?#*\[\]\x00]+"
)

PathOrUrl = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024, pattern=f"^({_NO_URL}|{_FILE})$"),
    written(
        "a path, or a URL without credentials: s3://BUCKET/FILE, gs://BUCKET/FILE, "
        "az://CONTAINER/FILE, hf://datasets/OWNER/NAME/FILE or https://HOST/FILE; a web server "
        "takes no globs and no query"
    ),
    IsPath(),
]
"""A file on a disk or in object storage, or a glob."""


def is_url(path: str) -> bool:
    """Whether a path names files in object storage."""
    return "://" in path
