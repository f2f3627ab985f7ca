"""Brings the cluster closer to what a RayCluster asks for, one step at a time."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from support.kuberay.api import Api, RefusedError
from support.kuberay.conditions import Trouble
from support.kuberay.head_service import head_service
from support.kuberay.names import Json
from support.kuberay.plan import Create, Delete, Plan, plan_of
from support.kuberay.status import is_worth_a_write, status_of
from support.kuberay.token import token_secret
from support.kuberay.validation import faults_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reconciler:
    """Carries out the steps.

    Attributes:
        api: of the API server.
    """

    api: Api

    async def step(self, namespace: str, name: str) -> bool:
        """Make one step.

        Returns:
            Whether another has to follow, though nobody else changes anything.
        """
        path = f"/apis/ray.io/v1/namespaces/{namespace}/rayclusters/{name}"
        cluster = await self.api.get(path)
        if cluster is None or "deletionTimestamp" in cluster["metadata"]:
            return False  # the garbage collector does the rest
        if faults := faults_of(cluster):
            log.error("%s/%s: %s", namespace, name, "; ".join(faults))
            return False
        core = f"/api/v1/namespaces/{namespace}"
        await self._make_secret(core, cluster)
        service = await self._make_service(core, cluster)
        plan = plan_of(cluster, await self.api.list(f"{core}/pods", name))
        trouble = await self._carry_out(core, plan)
        pods = await self.api.list(f"{core}/pods", name)
        status = status_of(cluster, pods, service, trouble, _now())
        is_news = is_worth_a_write(cluster.get("status", {}), status)
        if is_news:
            await self.api.request("PUT", f"{path}/status", cluster | {"status": status})
        return is_news or trouble is not None

    async def _make_secret(self, core: str, cluster: Json) -> None:
        secret = token_secret(cluster)
        if secret and not await self.api.get(f"{core}/secrets/{secret['metadata']['name']}"):
            await self.api.request("POST", f"{core}/secrets", secret)

    async def _make_service(self, core: str, cluster: Json) -> Json:
        service = head_service(cluster)
        existing = await self.api.get(f"{core}/services/{service['metadata']['name']}")
        return existing or await self.api.request("POST", f"{core}/services", service)

    async def _carry_out(self, core: str, plan: Plan) -> Trouble | None:
        for action in plan.actions:
            try:
                await self._act(core, action)
            except RefusedError as error:
                return Trouble(str(error), action.failure)
        return Trouble(plan.unfinished) if plan.unfinished else None

    async def _act(self, core: str, action: Create | Delete) -> None:
        if isinstance(action, Create):
            await self.api.request("POST", f"{core}/pods", action.pod)
            return
        metadata = action.pod["metadata"]
        # A Pod of this name may be another one by now.
        options = {"preconditions": {"uid": metadata["uid"]}}
        await self.api.request("DELETE", f"{core}/pods/{metadata['name']}", options)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
