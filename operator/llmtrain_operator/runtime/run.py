"""Runs kopf with our handlers."""

import asyncio
import logging

import kopf

from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_operator.logs import configure_logs
from llmtrain_operator.runtime.controller import Controller
from llmtrain_operator.runtime.handlers import registry_of
from llmtrain_operator.runtime.scope import Scope, read_scope
from llmtrain_operator.runtime.settings import OperatorSettings

log = logging.getLogger(__name__)


def run_operator(settings: OperatorSettings, *, liveness: str) -> None:
    """Watch and reconcile until SIGTERM.

    Args:
        settings: settings of the operator.
        liveness: URL of the liveness probe.
    """
    configure_logs(settings.log_format)
    scope = _scope_of(settings)
    while _is_outdated(settings, scope, liveness):
        scope = _scope_of(settings)


def _is_outdated(settings: OperatorSettings, scope: Scope | None, liveness: str) -> bool:
    """Run until SIGTERM, or until the scope is outdated; returns whether it is outdated."""
    controller = Controller(settings, scope)
    try:
        kopf.run(
            registry=registry_of(controller),
            standalone=True,
            clusterwide=scope is None,
            # If no namespace can be read, nothing is watched.
            namespaces=() if scope is None else scope.namespaces or settings.namespaces,
            liveness_endpoint=liveness,
            stop_flag=controller.outdated,
        )
    except Exception as error:  # kopf ends if a watch is refused
        if _scope_of(settings) == scope:
            raise
        log.warning("the watches have ended, and start anew: %s", error)
        return True
    return controller.outdated.is_set()


def _scope_of(settings: OperatorSettings) -> Scope | None:
    """The current scope; None for the whole cluster."""
    if not settings.namespaces:
        return None
    scope = asyncio.run(_read_scope(settings))
    for namespace, why in scope.refused.items():
        log.warning("the namespace %s cannot be watched, the others are: %s", namespace, why)
    return scope


async def _read_scope(settings: OperatorSettings) -> Scope:
    async with KubernetesApi() as api:
        return await read_scope(api, settings.namespaces)
