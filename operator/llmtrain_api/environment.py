"""What an attempt ran on, as its driver writes it into the workspace: to repeat the run."""

from llmtrain_api.base import Record
from llmtrain_api.run_config import Workers


class Environment(Record):
    """The software and the compute of one attempt."""

    llmtrain: str
    """Version of llmtrain."""
    python: str
    """Version of Python."""
    platform: str
    """Operating system and processor of the driver: `Linux-6.1-x86_64-with-glibc2.36`."""
    libraries: dict[str, str]
    """Version of each library that has a say in the result, by the name of its package."""
    workers: Workers
