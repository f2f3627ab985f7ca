"""The software of units is all that decides what they hold."""

import ast
import sys
from importlib.metadata import packages_distributions
from types import ModuleType

import pytest

from llmtrain_trainer.data import stage as data
from llmtrain_trainer.software import code_files, software
from llmtrain_trainer.tokenizer import stage as tokenizer


@pytest.mark.parametrize("stage", [data, tokenizer])
def test_all_libraries_that_the_code_imports_are_listed(stage: ModuleType) -> None:
    imported: set[str] = set()
    for path in code_files(stage.CODE):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    ours = {"llmtrain_api", "llmtrain_planner", "llmtrain_trainer", "_typeshed"}
    packages = packages_distributions()
    libraries = {packages[each][0] for each in imported - ours - sys.stdlib_module_names}
    assert {each.replace("_", "-").lower() for each in libraries} == set(stage.LIBRARIES)


def test_other_libraries_are_other_software(monkeypatch: pytest.MonkeyPatch) -> None:
    before = software(data.CODE, data.LIBRARIES)
    assert software(data.CODE, data.LIBRARIES) == before
    assert software(tokenizer.CODE, data.LIBRARIES) != before
    monkeypatch.setattr("llmtrain_trainer.software.version", lambda name: f"newer {name}")
    assert software(data.CODE, data.LIBRARIES) != before
