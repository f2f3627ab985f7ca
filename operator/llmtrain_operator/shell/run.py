"""Runs kopf with our handlers."""

import logging

import kopf

from llmtrain_operator.shell.controller import Controller
from llmtrain_operator.shell.handlers import registry_of
from llmtrain_operator.shell.settings import OperatorSettings

_TALKATIVE = ("kopf.objects", "kopf.activities.probe", "aiohttp.access")
"""Loggers that tell of every event and every probe."""


def run_operator(settings: OperatorSettings, *, liveness: str) -> None:
    """Watch and reconcile until SIGTERM.

    Args:
        settings: of the operator.
        liveness: URL that the liveness probe is served at.
    """
    kopf.configure(verbose=False)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    kopf.run(
        registry=registry_of(Controller(settings)),
        standalone=True,
        clusterwide=not settings.namespaces,
        namespaces=settings.namespaces,
        liveness_endpoint=liveness,
    )
