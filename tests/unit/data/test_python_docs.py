"""The documentation of Python: found, named, and always the same."""

import subprocess
import sys

from llmtrain_trainer.data.bad_rows import BadRows
from llmtrain_trainer.data.python_docs import harvest
from llmtrain_trainer.data.sources.python_docs import python_docs_units

ENTRIES = harvest()
BY_NAME = {(entry.kind, entry.qualified_name): entry for entry in ENTRIES}


def test_things_carry_the_names_and_signatures_that_people_know() -> None:
    join = BY_NAME["function", "os.path.join"]
    assert join.signature == "os.path.join(a, *p)"
    assert join.document.startswith("os.path.join(a, *p)\n\nJoin two or more pathname components")
    assert BY_NAME["function", "len"].signature == "len(obj, /)"
    assert BY_NAME["method", "str.join"].signature == "str.join(iterable, /)"
    assert BY_NAME["class", "collections.Counter"].signature.startswith("collections.Counter(iter")
    assert BY_NAME["method", "pathlib.Path.read_text"].signature.startswith(
        "pathlib.Path.read_text(encoding=None"
    )
    assert "assert" in BY_NAME["topic", "assert"].text
    assert BY_NAME["module", "json"].text.startswith("JSON (JavaScript Object Notation)")


def test_there_is_enough_to_train_a_small_model_on() -> None:
    assert len(ENTRIES) > 4000
    assert sum(len(entry.document.encode()) for entry in ENTRIES) > 1_500_000
    assert all(entry.text.strip() for entry in ENTRIES)


def test_private_things_and_tests_are_left_out() -> None:
    names = [entry.qualified_name for entry in ENTRIES if entry.kind != "topic"]
    assert not [name for name in names if name.startswith("_") or "._" in name]
    modules = {entry.qualified_name.split(".")[0] for entry in ENTRIES if entry.kind == "module"}
    assert not modules & {"test", "idlelib", "lib2to3", "turtledemo"}


def test_units_together_are_the_harvest() -> None:
    documents = [text for unit in python_docs_units() for text in unit.documents(BadRows(0))]
    assert documents == [entry.document for entry in ENTRIES]


def test_harvesting_imports_none_of_the_documented_modules() -> None:
    script = (
        "import sys; from llmtrain_trainer.data.python_docs import harvest; harvest();"
        "print([name for name in ('antigravity', 'turtle', 'tkinter') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
