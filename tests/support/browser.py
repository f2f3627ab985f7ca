"""A headless Chromium, by its own protocol (https://chromedevtools.github.io/devtools-protocol/)."""

import base64
import itertools
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

_LISTENING = "DevTools listening on "
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def browser_program() -> str | None:
    """Where Chromium is; None where there is none."""
    return next((path for name in _PROGRAMS if (path := shutil.which(name))), None)


class Page:
    """One page.

    Args:
        socket: to the browser.
        session: session of the page.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session: str) -> None:
        self._socket, self._session, self._numbers = socket, session, itertools.count(1000)
        self.complaints: list[str] = []
        """What the browser's console has said."""

    async def open(self, path: Path, *, width: int, dark: bool = False) -> None:
        """Show a file on a screen of this width."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        await self.send("Emulation.setEmulatedMedia", features=[scheme])
        await self.send("Emulation.setDeviceMetricsOverride", **screen)
        await self.send("Log.enable")
        await self.send("Page.enable")
        await self.send("Page.navigate", url=path.as_uri())
        while await self.value("document.readyState") != "complete":
            pass

    async def value(self, script: str) -> Any:
        """What a script comes to."""
        result = await self.send("Runtime.evaluate", expression=script, returnByValue=True)
        return result["result"].get("value")

    async def screenshot(self) -> bytes:
        """The whole page as a PNG."""
        shot = await self.send("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    async def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode((await self.send("Page.printToPDF"))["data"])

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command; returns its result."""
        number = next(self._numbers)
        await self._socket.send_json(
            {"id": number, "method": method, "params": parameters, "sessionId": self._session}
        )
        while True:
            message = await self._socket.receive_json()
            if message.get("method") == "Log.entryAdded":
                self.complaints.append(message["params"]["entry"]["text"])
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result


@asynccontextmanager
async def open_browser(folder: Path) -> AsyncIterator[Page]:
    """A page in a browser that ends with the context.

    Args:
        folder: for the browser's own files.
    """
    program = browser_program()
    assert program is not None, "there is no Chromium"
    arguments = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
    process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs meanwhile
        [program, *arguments, "--remote-debugging-port=0", f"--user-data-dir={folder}"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        line = next(line for line in process.stderr if _LISTENING in line)
        async with aiohttp.ClientSession() as session:
            address = line.partition(_LISTENING)[2].strip()
            async with session.ws_connect(address, max_msg_size=0) as socket:
                yield Page(socket, await _new_page(socket))
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


async def _new_page(socket: aiohttp.ClientWebSocketResponse) -> str:
    """Open a page; returns its session."""
    results = []
    for number, method in ((1, "Target.createTarget"), (2, "Target.attachToTarget")):
        given = {"url": "about:blank"} if number == 1 else {**results[0], "flatten": True}
        await socket.send_json({"id": number, "method": method, "params": given})
        while (message := await socket.receive_json()).get("id") != number:
            pass
        results.append(message["result"])
    session: str = results[1]["sessionId"]
    return session
