"""An S3 server in a process of its own: moto's, spoken to over HTTP, with faults on request."""

import hashlib
import json
import re
import subprocess
import urllib.parse
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil
from support.cluster.sandbox import Sandbox
from support.repository import ROOT

BUCKET = "models"
_ACCESS_KEY = "AKIATESTTESTTESTTEST"
CANARY = "canary/of/the/tests/9Xq2vYw7"
"""The secret key, which no output may hold."""
_AUTHORIZATION = (
    f"AWS4-HMAC-SHA256 Credential={_ACCESS_KEY}/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=0"
)
"""Moto looks at the key alone."""
_PROCESS = Path(__file__).parent / "moto_process.py"


@dataclass(frozen=True)
class Fault:
    """An answer in place of the server's own.

    Attributes:
        method: method of the requests.
        path: pattern of their path.
        status: status of the answer.
        code: error code of S3.
        times: number of requests.
        cut: bytes of the server's own answer that are sent before the connection ends; None for
            an answer with the status.
    """

    method: str
    path: str
    status: int = 200
    code: str = ""
    times: int = 1_000_000
    cut: int | None = None


class S3Server:
    """The server, with one bucket; a context manager.

    Args:
        sandbox: where it runs, for Pods that reach it there; None for this machine.
    """

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self._sandbox = sandbox

    def __enter__(self) -> Self:
        python = stores_environment() / "bin" / "python"
        host, port = ("0.0.0.0", self._sandbox.ports[-1]) if self._sandbox else ("127.0.0.1", 0)
        command = [python, "-W", "ignore", _PROCESS, _ACCESS_KEY, host, str(port)]
        self._process = subprocess.Popen(
            self._sandbox.command(*command) if self._sandbox else command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.endpoint = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self._send("PUT", BUCKET)
        return self

    def __exit__(self, *_: object) -> None:
        # In a sandbox the server is the child of the command that enters it.
        for process in psutil.Process(self._process.pid).children(recursive=True):
            process.kill()
        self._process.kill()
        self._process.communicate()

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which a client reaches the bucket."""
        endpoint = self.endpoint
        if self._sandbox:
            endpoint = endpoint.replace("127.0.0.1", self._sandbox.address)
        return {
            "AWS_ACCESS_KEY_ID": _ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": CANARY,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def hinder(self, *faults: Fault) -> None:
        """Answer some requests with errors from now on; without any, answer all as they come."""
        self._send("POST", "faults", json.dumps([asdict(fault) for fault in faults]).encode())

    def requests(self) -> list[str]:
        """Method and path of each request since the last call of `hinder`."""
        found: list[str] = json.loads(self._send("GET", "requests"))
        return found

    def names(self) -> list[str]:
        """The names of all objects in the bucket."""
        listing = self._send("GET", f"{BUCKET}?list-type=2").decode()
        return [urllib.parse.unquote(name) for name in re.findall(r"<Key>(.*?)</Key>", listing)]

    def read(self, name: str) -> bytes:
        """The content of an object."""
        return self._send("GET", f"{BUCKET}/{urllib.parse.quote(name)}")

    def write(self, name: str, data: bytes) -> None:
        """Make or replace an object."""
        self._send("PUT", f"{BUCKET}/{urllib.parse.quote(name)}", data)

    def delete(self, name: str) -> None:
        """Delete an object."""
        self._send("DELETE", f"{BUCKET}/{urllib.parse.quote(name)}")

    def _send(self, method: str, target: str, data: bytes | None = None) -> bytes:
        # Without a type urllib calls it a form, and moto would store an empty object.
        kind = {"Content-Type": "application/octet-stream"}
        headers = {"X-Test": "yes", "Authorization": _AUTHORIZATION} | kind
        request = urllib.request.Request(f"{self.endpoint}/{target}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            content: bytes = answer.read()
        return content


def stores_environment() -> Path:
    """The folder of the stores' virtual environment, which `make object-stores` makes."""
    digest = hashlib.sha256((ROOT / "requirements-stores.lock").read_bytes()).hexdigest()
    folder = Path.home() / ".cache" / "llmtrain" / f"stores-{digest}"
    assert folder.is_dir(), "there are no object stores: run `make object-stores`"
    return folder
