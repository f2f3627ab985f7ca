"""Our chart, as helm renders it. Run as a program, it writes what those without helm apply."""

import os
import subprocess
from pathlib import Path

from support.cluster.binaries import binary
from support.repository import ROOT

CHART = ROOT / "charts" / "llmtrain"
_INSTALL = ROOT / "manifests" / "operator" / "operator.yaml"


def rendered_chart(
    *values: str,
    json_values: tuple[str, ...] = (),
    files: tuple[Path, ...] = (),
    with_tests: bool = False,
    release: str = "llmtrain",
    namespace: str = "llmtrain-system",
) -> str:
    """All objects of a release, as YAML.

    Args:
        values: `name=value`, as `helm --set` takes them.
        json_values: the same for `--set-json`.
        files: files with values.
        with_tests: those of `helm test` too.
        release: its name.
        namespace: namespace of the release.

    Raises:
        CalledProcessError: helm refused; its `stderr` says why.
    """
    settings = [f"--set={value}" for value in values]
    settings += [f"--set-json={value}" for value in json_values]
    settings += [f"--values={path}" for path in files]
    if not with_tests:
        settings.append("--no-hooks")
    return run_helm("template", release, CHART, f"--namespace={namespace}", *settings)


def install_manifest() -> str:
    """What those without helm apply, beside the definition of jobs."""
    return rendered_chart("crds.install=false")


def lint_chart(*values: str) -> None:
    """Have helm look for faults in the chart; a warning is one.

    Raises:
        CalledProcessError: there is one; its `stdout` names it.
    """
    run_helm("lint", "--strict", CHART, *(f"--set={value}" for value in values))


def helm_on(
    kubeconfig: Path, namespace: str, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """Run helm on a cluster.

    Args:
        kubeconfig: kubeconfig of the cluster.
        namespace: namespace of the release.
        arguments: a command and its options.
    """
    return subprocess.run(
        [binary("helm"), *arguments, f"--namespace={namespace}"],
        env=os.environ | {"KUBECONFIG": str(kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )


def run_helm(*arguments: str | Path) -> str:
    """Run helm for the version of Kubernetes that the tests have; returns what it printed.

    Raises:
        CalledProcessError: helm refused; its `stderr` says why.
    """
    command = [binary("helm"), *arguments, "--kube-version=1.34.4"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    _INSTALL.write_text(install_manifest())
