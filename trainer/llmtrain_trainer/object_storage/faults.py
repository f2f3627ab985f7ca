"""Errors of object storage: which are the user's, and which pass by themselves."""

import re
from dataclasses import dataclass

from llmtrain_api.exit_codes import ExitCode
from llmtrain_trainer.errors import StageError, UserError, in_one_line


class StoreError(StageError):
    """Object storage could not be reached, again and again."""

    exit_code = ExitCode.INFRASTRUCTURE
    default_reason = "ObjectStorageUnreachable"


@dataclass(frozen=True)
class Permanent:
    """A fault that another try would meet again."""

    error: UserError


@dataclass(frozen=True)
class Transient:
    """A fault that may pass: throttling, a network that fails, a server that restarts."""

    error: StoreError


_MISSING = re.compile(r"NO_SUCH_BUCKET|NoSuchBucket|bucket .*does not exist", re.IGNORECASE)
_DENIED = re.compile(
    r"ACCESS_DENIED|INVALID_ACCESS_KEY_ID|INVALID_CLIENT_TOKEN_ID|SIGNATURE_DOES_NOT_MATCH"
    r"|MISSING_AUTHENTICATION_TOKEN|UNRECOGNIZED_CLIENT|NOT_SIGNED_UP|OPT_IN_REQUIRED"
    r"|ExpiredToken|InvalidToken|HTTP status (?:401|403)|Unauthenticated|PERMISSION_DENIED"
    r"|Azure Error: \[\w*\] (?:401|403)"
)
_KINDS = {"file": "folder", "az": "container", "hf": "data set"}
_REQUEST = re.compile(r" \(Request ID:[^)]*\)")
"""Another one each time, so that a message would never be the same."""
_ALL = "list, read, write and delete objects below that URL"
READING = "list and read its objects"
"""What a job has to be allowed to do with objects that it only reads."""


def understand(
    error: OSError, url: str, field_name: str, *, needs: str = _ALL
) -> Permanent | Transient:
    """What an error of a filesystem means to the user.

    Args:
        error: the error.
        url: URL of the store.
        field_name: the manifest's field with that URL.
        needs: what the job has to be allowed to do there.
    """
    text = _REQUEST.sub("", in_one_line(error))
    if isinstance(error, FileNotFoundError) or _MISSING.search(text):
        kind = _KINDS.get(url.partition(":")[0], "bucket")
        return Permanent(
            UserError(
                f"{field_name} {url}: the {kind} does not exist; create it, or name another "
                f"({text})",
                reason="BucketMissing",
            )
        )
    if isinstance(error, PermissionError) or _DENIED.search(text):
        return Permanent(
            UserError(
                f"{field_name} {url}: access was refused; it has to {needs}. Credentials come "
                f"from the environment of the job, never from the manifest ({text})",
                reason="AccessRefused",
            )
        )
    return Transient(StoreError(f"{field_name} {url}: {text}"))
