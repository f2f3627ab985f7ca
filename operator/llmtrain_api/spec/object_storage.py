"""URLs of object storage, as the manifest names them: without credentials."""

from typing import Annotated

from pydantic import StringConstraints

from llmtrain_api.base import written

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
