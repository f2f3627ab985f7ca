"""The least that an operator of this kind can do: a kopf handler that makes the RayCluster.

What benchmarks/scale.py holds llmtrain's operator against. Run by `python -m kopf run`.
"""

from typing import Any

import kopf
import kubernetes
import yaml

_BODY: dict[str, Any] = {}


@kopf.on.startup()
def _start(memo: kopf.Memo, settings: kopf.OperatorSettings, **_: object) -> None:
    settings.posting.enabled = False
    kubernetes.config.load_kube_config()
    with open("ray_cluster.yaml", encoding="utf-8") as file:  # noqa: PTH123 - as short as users write it
        _BODY.update(yaml.safe_load(file))
    memo.api = kubernetes.client.CustomObjectsApi()


@kopf.on.create("llmtrain.io", "v1alpha1", "llmtrainingjobs")
def _create(name: str, namespace: str | None, memo: kopf.Memo, **_: object) -> None:
    body = {**_BODY, "metadata": {"name": name}}
    kopf.adopt(body)
    memo.api.create_namespaced_custom_object("ray.io", "v1", namespace, "rayclusters", body)
