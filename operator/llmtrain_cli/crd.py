"""`llmtrain crd`: the CustomResourceDefinition as YAML."""

import typer

from llmtrain_api.crd import custom_resource_definition
from llmtrain_api.yaml_text import yaml_text

_HEADER = "# Generated from operator/llmtrain_api by `make generate`. Do not edit.\n"


def render_crd() -> str:
    """The definition as YAML; the same models give the same bytes."""
    return _HEADER + yaml_text(custom_resource_definition())


def crd() -> None:
    """Print the CustomResourceDefinition of LLMTrainingJob, for `kubectl apply -f -`."""
    typer.echo(render_crd(), nl=False)
