"""Files of web servers, read in parts."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING
from weakref import finalize

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.object_storage.globs import ReadRange, Stored

if TYPE_CHECKING:
    from httpx2 import Response

_WHOLE, _PARTIAL = 200, 206
_NOTHING = frozenset({404, 410, 416})
"""No such file, or no such part of it."""
_CONNECT_SECONDS = 10
_READ_SECONDS = 60
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Web:
    """A client of web servers. Its answers have a part of a file: 206, or a status of `_NOTHING`.

    Args:
        headers: sent with each request, but not to other servers that it leads to.
    """

    def __init__(self, headers: Mapping[str, str] = _NO_HEADERS) -> None:
        from httpx2 import Client, Timeout

        timeout = Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
        self._client = Client(follow_redirects=True, timeout=timeout, headers=dict(headers))
        finalize(self, self._client.close)

    def get(self, url: str, start: int, stop: int) -> "Response":
        """The answer with the bytes of a file from one up to another.

        Raises:
            UserError: the server sends whole files only.
            OSError: it could not be reached, or refused.
        """
        from httpx2 import HTTPError, InvalidURL

        asked = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        try:
            with self._client.stream("GET", url, headers=asked) as answer:
                if answer.status_code == _WHOLE:
                    raise UserError(
                        f"{url}: the server sends whole files, not the parts that are asked for "
                        "(HTTP Range); fetch the file, and name the copy"
                    )
                answer.read()
        except InvalidURL as error:
            raise UserError(f"{url}: this is no URL: {error}") from error
        except HTTPError as error:
            raise ConnectionError(str(error) or type(error).__name__) from error
        if answer.status_code != _PARTIAL and answer.status_code not in _NOTHING:
            raise OSError(f"HTTP status {answer.status_code} {answer.reason_phrase}")
        return answer


class WebPlace:
    """A web server, which lists nothing.

    Args:
        root: `https://HOST`.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self._web = Web()

    def exists(self) -> bool:
        """A server that answers is there."""
        return True

    def look(self, path: str) -> Stored | None:
        """The file of this name; None where the server has none."""
        url = f"{self.root}/{path}"
        answer = self._web.get(url, 0, 1)
        size = answer.headers.get("Content-Range", "").rpartition("/")[2]
        if size.isdecimal():
            return Stored(path, int(size), _stamp(answer))
        if answer.status_code in _NOTHING:
            return None
        raise UserError(f"{url}: the server does not say how large the file is")

    def children(self, folder: str) -> list[Stored]:
        """Raises an error: the manifest lets no glob pass."""
        raise AssertionError(f"{self.root}/{folder}: a web server lists nothing")

    def below(self, folder: str) -> list[Stored]:
        """Raises an error: the manifest lets no glob pass."""
        return self.children(folder)

    def open(self, path: str, stamp: str) -> ReadRange:
        """A function that reads parts of a file."""

        def read(start: int, stop: int) -> bytes:
            answer = self._web.get(f"{self.root}/{path}", start, stop)
            is_same = answer.status_code == _PARTIAL and _stamp(answer) == stamp
            return bytes(answer.content) if is_same else b""

        return read


def _stamp(answer: "Response") -> str:
    """The file's version, or the time of its last change, as the server reports it."""
    return str(answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "")
