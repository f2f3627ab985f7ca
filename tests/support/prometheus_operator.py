"""The kinds of the Prometheus operator that our chart makes, as its module defines them."""

from support.cluster.api_client import ApiClient
from support.cluster.binaries import module_source
from support.definitions import define

_MODULE = "github.com/prometheus-operator/prometheus-operator"
_IN_MODULE = "example/prometheus-operator-crd"


def make_definitions(client: ApiClient) -> None:
    """Make the API server know PodMonitors and PrometheusRules."""
    folder = module_source("prometheus-operator", _MODULE) / _IN_MODULE
    for plural in ("podmonitors", "prometheusrules"):
        define(client, folder / f"monitoring.coreos.com_{plural}.yaml")
