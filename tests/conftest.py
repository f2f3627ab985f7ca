"""What holds for all tests."""

import signal


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start.

    A shell without job control starts what it puts in the background deaf to it, and so are all
    processes after that one.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
