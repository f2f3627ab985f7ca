"""Runs kopf with our handlers."""

import logging

import kopf

from llmtrain_operator.shell.controller import Controller
from llmtrain_operator.shell.handlers import registry_of
from llmtrain_operator.shell.settings import OperatorSettings


def run_operator(settings: OperatorSettings, *, liveness: str) -> None:
    """Watch and reconcile until SIGTERM.

    Args:
        settings: of the operator.
        liveness: URL that the liveness probe is served at.
    """
    kopf.configure(verbose=False)
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)  # it tells of every event
    kopf.run(
        registry=registry_of(Controller(settings)),
        standalone=True,
        clusterwide=not settings.namespaces,
        namespaces=settings.namespaces,
        liveness_endpoint=liveness,
    )
