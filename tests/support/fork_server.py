"""The program of the warm parent: it imports libraries, then forks for each request.

It must stay fit to be forked: it runs no threads, calculates nothing and opens no connections.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

_MESSAGE_BYTES = 200_000


def _serve(requests: socket.socket) -> Callable[[], object]:
    """Fork for each request until the other end is closed; returns in a child what it is to do."""
    wake, ended = os.pipe()
    os.set_blocking(ended, False)
    signal.set_wakeup_fd(ended)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    children: dict[int, socket.socket] = {}
    gc.freeze()  # no collection in a child touches, and so copies, what the parent has
    while True:
        readable, _, _ = select.select([requests, wake], [], [])
        if wake in readable:
            os.read(wake, 1024)
            _report_ended(children)
        if requests not in readable:
            continue
        message, descriptors, _, _ = socket.recv_fds(requests, _MESSAGE_BYTES, 3)
        if not message:
            for pid in children:
                os.kill(pid, signal.SIGKILL)
            sys.exit()
        output, errors, ending = descriptors
        pid = os.fork()
        if pid == 0:
            for each in (requests, *children.values()):
                each.close()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor, place in ((output, 1), (errors, 2)):
                os.dup2(descriptor, place)
            for descriptor in (wake, ended, *descriptors):
                os.close(descriptor)
            function, arguments, environment, folder = json.loads(message)
            os.environ.clear()
            os.environ.update(environment)
            os.chdir(folder)
            return lambda: _call(function, arguments)
        os.close(output)
        os.close(errors)
        children[pid] = socket.socket(fileno=ending)
        children[pid].send(str(pid).encode())


def _report_ended(children: dict[int, socket.socket]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with children.pop(pid) as ending, suppress(BrokenPipeError):  # nobody waits any more
            ending.send(str(os.waitstatus_to_exitcode(status)).encode())


def _call(function: str, arguments: Sequence[str]) -> None:
    sys.argv[1:] = arguments
    module, _, name = function.partition(":")
    getattr(importlib.import_module(module), name)(*arguments)


def _main(kind: str, *arguments: str) -> None:
    if kind == "call":
        _call(arguments[0], arguments[1:])
        return
    for library in arguments[1:]:
        importlib.import_module(library)
    assert threading.active_count() == 1, "a library has started threads: no fork is safe"
    # A child calls its function from here: nothing of the server is on its stack.
    _serve(socket.socket(fileno=int(arguments[0])))()


if __name__ == "__main__":
    _main(*sys.argv[1:])
