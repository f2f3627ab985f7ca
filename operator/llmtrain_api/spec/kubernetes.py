"""Names and values of Kubernetes, as its API server takes them in Pods and claims."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from llmtrain_api.base import rule, rules, written

_LABEL: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED: Final = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL_KEY: Final = rf"^({_SUBDOMAIN}/)?{_QUALIFIED}$"
_LABEL_KEY_MAX_LENGTH: Final = 317
_PREFIX_MAX_LENGTH: Final = 253
_ANNOTATIONS_MAX_BYTES: Final = 256 * 1024
_LABEL_KEY_FORM: Final = (
    "the key of a label: letters, digits, '-', '_' and '.', perhaps after a domain and a slash"
)
_DOMAIN: Final = r"[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?"
_HOST: Final = rf"({_DOMAIN}(\.{_DOMAIN})*|\[[0-9a-fA-F:]+\])(:[0-9]+)?"
_REPOSITORY: Final = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_IMAGE: Final = (
    rf"^({_HOST}/)?{_REPOSITORY}(/{_REPOSITORY})*"
    r"(:[A-Za-z0-9_][-A-Za-z0-9_.]{0,127})?(@[a-z0-9]+:[0-9a-f]{32,128})?$"
)

ObjectName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253, pattern=rf"^{_SUBDOMAIN}$"),
    written(
        "at most 253 lower case letters, digits, hyphens and dots, with a letter or digit beside "
        "each dot and at both ends, such as team-a"
    ),
]
"""The name of an object: a DNS subdomain."""

Namespace = Annotated[
    str,
    StringConstraints(max_length=63, pattern=rf"^({_LABEL})?$"),
    written(
        "at most 63 lower case letters, digits and hyphens, with a letter or digit at both ends, "
        "such as team-a"
    ),
]
"""The name of a namespace; where it is empty, Kubernetes chooses one."""

QueueName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=63, pattern=rf"^{_SUBDOMAIN}$"),
    written(
        "at most 63 lower case letters, digits, hyphens and dots, with a letter or digit beside "
        "each dot and at both ends, such as team-a"
    ),
]
"""The name of an object that is the value of a label too."""

ProfileName = QueueName
"""The name of a profile, which is the value of a label too."""

LabelValue = Annotated[
    str,
    StringConstraints(max_length=63, pattern=rf"^({_QUALIFIED})?$"),
    written(
        "the value of a label: at most 63 letters, digits, '-', '_' and '.', with a letter or "
        "digit at both ends"
    ),
]
"""The value of a label or a taint; it may be empty."""


def _key_rule(key: str) -> str:
    """CEL: whether a text is the key of a label."""
    return (
        f"{key}.size() <= {_LABEL_KEY_MAX_LENGTH} && {key}.indexOf('/') <= {_PREFIX_MAX_LENGTH}"
        f" && {key}.matches(r'{_LABEL_KEY}')"
    )


def _require_label_key(key: str) -> str:
    fits = len(key) <= _LABEL_KEY_MAX_LENGTH and key.find("/") <= _PREFIX_MAX_LENGTH
    if not fits or re.fullmatch(_LABEL_KEY, key) is None:
        raise ValueError(f"should be {_LABEL_KEY_FORM}; found {key!r}")
    return key


def _require_label_keys(labels: dict[str, str]) -> dict[str, str]:
    for key in labels:
        _require_label_key(key)
    return labels


def _require_annotations(annotations: dict[str, str]) -> dict[str, str]:
    for key in annotations:
        _require_label_key(key.lower())
    size = sum(len(text.encode()) for pair in annotations.items() for text in pair)
    if size > _ANNOTATIONS_MAX_BYTES:
        raise ValueError(f"should have at most {_ANNOTATIONS_MAX_BYTES} bytes; found {size}")
    return annotations


Annotations = Annotated[dict[str, str], AfterValidator(_require_annotations)]
"""Annotations, by their keys."""

LabelKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=_LABEL_KEY_MAX_LENGTH),
    AfterValidator(_require_label_key),
    Field(json_schema_extra=rules(rule(_key_rule("self"), f"should be {_LABEL_KEY_FORM}"))),
]
"""The key of a label or a taint: `gpu`, `example.com/gpu`."""

Labels = Annotated[dict[str, LabelValue], AfterValidator(_require_label_keys)]
"""Labels, by their keys."""

_RESERVED: Final = r"^([^/]*\.)?(llmtrain\.io|ray\.io|kubernetes\.io|(x-)?k8s\.io)/.*$"
_RESERVED_MESSAGE: Final = "keys of llmtrain.io, ray.io, kubernetes.io and k8s.io cannot be set"
_PAIRS: Final = Field(
    max_length=32,
    json_schema_extra=rules(
        rule(f"self.all(key, {_key_rule('key')})", f"a key should be {_LABEL_KEY_FORM}"),
        rule(f"self.all(key, !key.matches(r'{_RESERVED}'))", _RESERVED_MESSAGE),
    ),
)


def _require_free_keys(pairs: dict[str, str]) -> dict[str, str]:
    for key in _require_label_keys(pairs):
        if re.fullmatch(_RESERVED, key):
            raise ValueError(f"{_RESERVED_MESSAGE}; found {key}")
    return pairs


PodLabels = Annotated[dict[str, LabelValue], _PAIRS, AfterValidator(_require_free_keys)]
"""Labels that a job gives its Pods."""

PodAnnotations = Annotated[
    dict[str, Annotated[str, StringConstraints(max_length=4096)]],
    _PAIRS,
    AfterValidator(_require_free_keys),
]
"""Annotations that a job gives its Pods."""

NodeSelector = Annotated[
    dict[str, LabelValue],
    Field(
        max_length=32,
        json_schema_extra=rules(
            rule(f"self.all(key, {_key_rule('key')})", f"a key should be {_LABEL_KEY_FORM}")
        ),
    ),
    AfterValidator(_require_label_keys),
]
"""Labels that a node must have."""

Image = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024, pattern=_IMAGE),
    written("the name of an image, such as registry.example/team/trainer:1.2"),
]
"""A container image: registry, repository, tag and digest."""
