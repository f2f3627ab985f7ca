"""`llmtrain plan`: the resources, time and money that a job needs, before it starts."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from llmtrain.errors import ManifestError
from llmtrain.local.places import home_folder
from llmtrain.manifest import load_manifest
from llmtrain_api.families.base import Architecture
from llmtrain_api.named_paths import with_home
from llmtrain_api.plan import Plan
from llmtrain_api.spec.model import Model
from llmtrain_api.stages import Stage
from llmtrain_api.yaml_text import yaml_text
from llmtrain_cli.arguments import ManifestFile
from llmtrain_cli.exits import WRONG_INPUT
from llmtrain_cli.plan_table import plan_view
from llmtrain_cli.text import echo
from llmtrain_planner.architecture import PlanError, architecture_from_config
from llmtrain_planner.hardware import CPU, GPUS
from llmtrain_planner.plan import PlanOptions, plan_job


class PlanOutput(StrEnum):
    """Format of the plan."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def plan(
    file: ManifestFile,
    hardware: Annotated[
        str | None, typer.Option(help=f"What the trainers are: {CPU}, {', '.join(GPUS)}.")
    ] = None,
    mfu: Annotated[
        float | None,
        typer.Option(min=0.01, max=1, help="Share of the peak that becomes useful work."),
    ] = None,
    price: Annotated[
        float | None,
        typer.Option(
            min=0, max=1_000_000, help="USD for an hour of a GPU, or of a replica without GPUs."
        ),
    ] = None,
    vocabulary_size: Annotated[
        int | None,
        typer.Option(min=2, max=1_000_000, help="Tokens of a pretrained tokenizer's vocabulary."),
    ] = None,
    finetune_tokens: Annotated[
        int | None,
        typer.Option(min=1, max=10**15, help="Tokens of all conversations, for one epoch."),
    ] = None,
    output: Annotated[
        PlanOutput, typer.Option("--output", "-o", help="table, json or yaml.")
    ] = PlanOutput.TABLE,
) -> None:
    """Say what a job would take: parameters, tokens, FLOPs, memory, time and money.

    Nothing is started, and no machine or network is asked.
    """
    options = PlanOptions(
        device=hardware,
        mfu=mfu,
        price_usd_per_device_hour=price,
        vocabulary_size=vocabulary_size,
        counted_tokens={Stage.FINETUNE: finetune_tokens} if finetune_tokens else {},
    )
    try:
        job = load_manifest(file)
        spec = with_home(job.spec, str(home_folder()))
        pretrained = _pretrained(spec.model, folder=file.parent)
        result = plan_job(job.spec, options, pretrained=pretrained)
    except ManifestError as error:
        echo(str(error), err=True)
        raise typer.Exit(WRONG_INPUT) from None
    except PlanError as error:
        echo(f"{file}: {error}", err=True)
        raise typer.Exit(WRONG_INPUT) from None
    _write(result, name=job.metadata.name, output=output)


def _pretrained(model: Model | None, *, folder: Path) -> Architecture | None:
    """Shape of the manifest's pretrained model, if that is in a local folder."""
    if model is None or model.init_from is None:
        return None
    path = folder / model.init_from / "config.json"
    if not path.is_file():
        return None  # a model of the hub: the planner's error says what to do
    try:
        config = json.loads(path.read_bytes())
    except OSError as error:
        raise PlanError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise PlanError(f"{path}: not JSON: {error}") from error
    if not isinstance(config, dict):
        raise PlanError(f"{path}: must hold an object; found {type(config).__name__}")
    return architecture_from_config(config)


def _write(result: Plan, *, name: str, output: PlanOutput) -> None:
    document = result.model_dump(mode="json", exclude_none=True)
    match output:
        case PlanOutput.TABLE:
            Console().print(plan_view(result, name=name))
        case PlanOutput.JSON:
            typer.echo(json.dumps(document, indent=2))
        case PlanOutput.YAML:
            typer.echo(yaml_text(document), nl=False)
