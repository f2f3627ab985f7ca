"""Writes YAML that kubectl, KubeRay and Python read alike: no text turns into a number or a flag.

Kubernetes reads YAML with sigs.k8s.io/yaml, which takes `1e5` for a number and `y` for a flag where
PyYAML takes both for texts, and so writes them without quotes. That reader looks for other types
only in a scalar that begins like a number, and in a list of words (`resolve` in its
goyaml.v2/resolve.go). PyYAML quotes all of those words but the four below.
"""

from typing import Any

import yaml

_FIRST_OF_NUMBERS = frozenset("0123456789+-.")
_FLAGS = frozenset({"y", "Y", "n", "N"})


class _Dumper(yaml.SafeDumper):
    """Writes equal parts each in full, and texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - the base class's own
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if not text.replace("\n", "").isprintable():
        style = '"'  # PyYAML loses some breaks of Unicode in the other styles
    elif "\n" in text:
        style = "|"
    elif text in _FLAGS or not _FIRST_OF_NUMBERS.isdisjoint(text[:1]):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def yaml_text(*documents: object) -> str:
    """Documents as YAML; the same documents give the same bytes.

    Args:
        documents: JSON values, whose keys stay in their order.
    """
    text: str = yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )
    return text
