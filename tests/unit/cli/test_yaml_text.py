"""YAML that we write means the same to PyYAML, to kubectl and to KubeRay."""

from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from llmtrain.yaml_reader import read_documents
from llmtrain_api.yaml_text import yaml_text

_WORDS = """
1e5 1E5 +1e5 -1e-5 0o17 0O17 -0b1 0x1F 1_000 017 08 .5 5. 2020-01-01 1:30
y Y n N yes No on OFF true null ~ .inf -.INF .nan << = !a &a *a ' " | ---
"""
"""Some readers take a few of them for numbers, dates, flags, or nothing at all."""
_READ_OTHERWISE = st.sampled_from([*_WORDS.split(), "", "- a", "a: b", "a #b"])
_NUMBERS = st.from_regex(r"[-+]?[0-9.][0-9_.oOxXbBeE+-]{0,8}", fullmatch=True)
_TEXTS = (
    _READ_OTHERWISE
    | _NUMBERS
    | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
)
_KEYS = _TEXTS.filter(lambda key: key != "<<")
"""Go merges even a `<<` in quotes; no field of Kubernetes has such a name."""
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(document=st.dictionaries(_KEYS, _VALUES, max_size=3))
@example(document={"y": ["1e5", "0o17", "a\n  b\n\n", "\n a", " a\n", "a \nb", "\ta\n"]})
def test_readers_agree_on_what_was_written(document: Any) -> None:
    """Ours reads as kubectl does, which `test_manifest_yaml.py` pins."""
    written = yaml_text(document)
    assert yaml.safe_load(written) == document
    assert read_documents(written.encode()) == [document]


def test_equal_parts_are_each_written_in_full() -> None:
    part = ["a"]
    assert yaml_text({"b": part, "c": part}, part) == "b:\n- a\nc:\n- a\n---\n- a\n"
