"""A run config as a package that Ray unpacks into the working directory of a stage's processes.

An environment variable would hold 128 KiB on Linux, and Ray passes all of them on one command
line; a package may have 100 MiB, and Ray's answers do not repeat it.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass

from llmtrain_api.names import RUN_CONFIG_FILE
from llmtrain_api.run_config import RunConfig

_OWNER_ONLY = 0o600


@dataclass(frozen=True)
class RayPackage:
    """A zip file under the name that Ray's Jobs API knows it by."""

    name: str
    """Made from the content: the same run config is the same package."""
    content: bytes

    @property
    def path(self) -> str:
        """Where it is uploaded to."""
        return f"/api/packages/gcs/{self.name}"

    @property
    def uri(self) -> str:
        """The `working_dir` of a runtime environment."""
        return f"gcs://{self.name}"


def run_config_package(run_config: RunConfig) -> RayPackage:
    """The package with one file, the run config."""
    archive = io.BytesIO()
    entry = zipfile.ZipInfo(RUN_CONFIG_FILE)  # of a fixed date, so that the bytes are the same
    entry.external_attr = _OWNER_ONLY << 16
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(entry, run_config.model_dump_json(), zipfile.ZIP_DEFLATED)
    content = archive.getvalue()
    return RayPackage(f"_ray_pkg_{hashlib.sha256(content).hexdigest()[:32]}.zip", content)
