"""The few requests to an API server that the tests make, over one connection that stays open."""

import http.client
import json
import ssl
from pathlib import Path
from typing import Any

Json = dict[str, Any]


class ApiRefusal(Exception):  # noqa: N818 - the server's answer, not our fault
    """The API server refused a request.

    Attributes:
        status: HTTP status.
        message: the server's words.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message


class ApiClient:
    """Speaks JSON with an API server.

    Args:
        host: its address.
        port: its port.
        token: a bearer token.
        certificate: PEM file of the authority that the server is trusted by.
    """

    def __init__(self, host: str, port: int, *, token: str, certificate: Path) -> None:
        self._server, self._certificate = f"https://{host}:{port}", certificate
        context = ssl.create_default_context(cafile=certificate)
        self._connection = http.client.HTTPSConnection(host, port, context=context, timeout=60)
        self._token = token

    def write_kubeconfig(self, path: Path) -> None:
        """Write a file with which kubectl, or the operator, has the rights of this client."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "test",
                    "cluster": {
                        "server": self._server,
                        "certificate-authority": str(self._certificate),
                    },
                }
            ],
            "users": [{"name": "test", "user": {"token": self._token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        }
        path.write_text(json.dumps(document))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        content: str = "application/json",
        accept: str = "application/json",
    ) -> Json:
        """One request.

        Raises:
            ApiRefusal: for any status of 400 and above.
        """
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": content,
            "Accept": accept,
        }
        # Not ASCII: server-side apply reads it as YAML, which has no surrogate pairs.
        sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        try:
            response = self._send(method, path, sent, headers)
        except OSError:
            self._connection.close()  # the server closes what is idle for long
            response = self._send(method, path, sent, headers)
        text = response.read().decode()
        answer: Json = json.loads(text) if text.startswith("{") else {"message": text}
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise ApiRefusal(response.status, answer["message"])
        return answer

    def _send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        self._connection.request(method, path, body=body, headers=headers)
        return self._connection.getresponse()
