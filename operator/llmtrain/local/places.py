"""Paths from the user, in a form that a run can store."""

from pathlib import Path

from llmtrain.errors import LLMTrainError
from llmtrain_api.visible import visible_path


class PlaceError(LLMTrainError):
    """A path cannot be used; the message says why."""


def place(path: Path) -> Path:
    """The absolute path of a file or folder, which may be missing.

    Args:
        path: a path, which may start with `~`.

    Raises:
        PlaceError: its home folder is unknown, its links are broken, or it is not UTF-8.
    """
    try:
        whole = path.expanduser()
    except RuntimeError:
        raise PlaceError(
            f"{visible_path(path)}: this home folder is unknown; write the whole path"
        ) from None
    try:
        found = whole.resolve()
    except (RuntimeError, OSError) as error:
        raise PlaceError(f"{visible_path(path)}: {error}") from None
    if visible_path(found) != str(found):
        raise PlaceError(
            f"{visible_path(found)}: this path is not UTF-8; rename the folder, or use another"
        )
    return found


def home_folder() -> Path:
    """The user's home folder; `~` itself if the user has none."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("~")
