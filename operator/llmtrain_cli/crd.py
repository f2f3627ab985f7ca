"""`llmtrain crd`: the CustomResourceDefinition as YAML."""

from typing import Any

import typer
import yaml

from llmtrain_api.crd import custom_resource_definition

_HEADER = "# Generated from operator/llmtrain_api by `make generate`. Do not edit.\n"


class _PlainDumper(yaml.SafeDumper):
    """Writes equal lists out each time, rather than as anchors and aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - the base class's own
        return True


def render_crd() -> str:
    """The definition as YAML; the same models give the same bytes."""
    document = yaml.dump(
        custom_resource_definition(),
        Dumper=_PlainDumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return _HEADER + document


def crd() -> None:
    """Print the CustomResourceDefinition of LLMTrainingJob, for `kubectl apply -f -`."""
    typer.echo(render_crd(), nl=False)
