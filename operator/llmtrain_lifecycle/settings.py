"""What whoever runs jobs decides for all of them."""

from dataclasses import dataclass
from decimal import Decimal

from llmtrain_api.names import PROGRESS_PORT


@dataclass(frozen=True)
class Settings:
    """The executor's side of a run config, and the pace of the state machine."""

    workspace: str
    """Absolute path of the job's durable folder."""
    inputs: str
    """Absolute path of the folder that the manifest's relative paths start from."""
    home: str | None = None
    """Absolute path of the folder that `~` stands for; None where paths have none."""
    max_workers: int | None = None
    """Ranks that fit; None for as many as the manifest asks for."""
    use_gpus: bool = True
    """Whether ranks get the GPUs that the manifest asks for."""
    progress_host: str = "0.0.0.0"  # noqa: S104 - the operator and Prometheus read it over the network
    progress_port: int = PROGRESS_PORT
    one_cluster: bool = False
    """Whether one Ray cluster runs all stages: on a laptop every cluster is the same machine."""
    first_backoff_seconds: float = 5.0
    """Wait before the second attempt of a stage; doubled for each one after it."""
    longest_backoff_seconds: float = 300.0
    usd_per_hour: Decimal = Decimal(0)
    """What this machine costs; on a cluster the nodes' prices count."""
