"""The documentation of Python: found, named, and always the same."""

import subprocess
import sys

import pytest
from support.python_docs import documentation

from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.data.sources.python_docs import python_docs_shards


def test_things_carry_the_names_and_signatures_that_people_know() -> None:
    by_name = {(entry.kind, entry.qualified_name): entry for entry in documentation()}
    join = by_name["function", "os.path.join"]
    assert join.signature == "os.path.join(a, *p)"
    assert join.document.startswith("os.path.join(a, *p)\n\nJoin two or more pathname components")
    assert by_name["function", "len"].signature == "len(obj, /)"
    assert by_name["method", "str.join"].signature == "str.join(iterable, /)"
    assert by_name["class", "collections.Counter"].signature.startswith("collections.Counter(iter")
    assert by_name["method", "pathlib.Path.read_text"].signature.startswith(
        "pathlib.Path.read_text(encoding=None"
    )
    assert "assert" in by_name["topic", "assert"].text
    assert by_name["module", "json"].text.startswith("JSON (JavaScript Object Notation)")


def test_there_is_enough_to_train_a_small_model_on() -> None:
    assert len(documentation()) > 4000
    assert sum(len(entry.document.encode()) for entry in documentation()) > 1_500_000
    assert all(entry.text.strip() for entry in documentation())


def test_private_things_and_tests_are_left_out() -> None:
    names = [entry.qualified_name for entry in documentation() if entry.kind != "topic"]
    assert not [name for name in names if name.startswith("_") or "._" in name]
    modules = {
        entry.qualified_name.split(".")[0] for entry in documentation() if entry.kind == "module"
    }
    assert not modules & {"test", "idlelib", "lib2to3", "turtledemo"}


@pytest.mark.slow
def test_units_together_are_the_harvest() -> None:
    documents = [text for shard in python_docs_shards() for text in shard.documents(BadRows(0))]
    assert documents == [entry.document for entry in documentation()]


@pytest.mark.slow
def test_harvesting_imports_none_of_the_documented_modules() -> None:
    script = (
        "import sys; from llmtrain_trainer.data.sources.python_docs import harvest; harvest();"
        "print([name for name in ('antigravity', 'turtle', 'tkinter') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
