"""Each side starts on a machine that has only its own libraries."""

import subprocess
import sys

import pytest
from support.repository import ROOT

_SCRIPT = """
import importlib, pkgutil, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ModuleNotFoundError(f"{name} is not on this machine", name=name)

package, *blocked = sys.argv[1:]
sys.meta_path.insert(0, Blocker())
root = importlib.import_module(package)
for module in pkgutil.walk_packages(root.__path__, package + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""

_TRAINING = ["datasets", "deepspeed", "numpy", "peft", "ray", "tokenizers", "torch", "transformers"]
_CLUSTER = ["kopf", "kubernetes"]
_INTERFACE = ["aiohttp", "rich", "typer"]


@pytest.mark.parametrize(
    ("package", "absent"),
    [
        ("llmtrain_api", [*_TRAINING, *_CLUSTER, *_INTERFACE]),
        ("llmtrain_planner", [*_TRAINING, *_CLUSTER, *_INTERFACE]),
        ("llmtrain_operator", _TRAINING),
        ("llmtrain", [*_TRAINING, "rich", "typer"]),
        ("llmtrain_cli", _TRAINING),
        ("llmtrain_trainer", _CLUSTER),
    ],
)
def test_a_package_is_imported_without_the_libraries_of_the_others(
    package: str, absent: list[str]
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", _SCRIPT, package, *absent],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr


def test_pythons_own_operator_module_wins_over_our_folder() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import operator; print(operator.add(1, 2))"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": "."},
    )
    assert run.stdout.strip() == "3"
