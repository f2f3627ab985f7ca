"""Our chart, as helm renders it. Run as a program, it writes what those without helm apply."""

import subprocess

from support.cluster.binaries import binary
from support.repository import ROOT

_CHART = ROOT / "charts" / "llmtrain"
_INSTALL = ROOT / "manifests" / "operator" / "operator.yaml"


def rendered_chart(*values: str, json_values: tuple[str, ...] = ()) -> str:
    """All objects of a release, as YAML; without those of `helm test`.

    Args:
        values: `name=value`, as `helm --set` takes them.
        json_values: the same for `--set-json`.

    Raises:
        CalledProcessError: helm refused; its `stderr` says why.
    """
    command = [binary("helm"), "template", "llmtrain", _CHART, "--no-hooks"]
    command += ["--namespace=llmtrain-system", "--kube-version=1.34.4"]
    settings = [f"--set={value}" for value in values]
    settings += [f"--set-json={value}" for value in json_values]
    done = subprocess.run([*command, *settings], capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    _INSTALL.write_text(rendered_chart())
