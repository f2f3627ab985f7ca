"""Arguments that several commands take."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

ManifestFile = Annotated[Path, typer.Argument(help="The manifest of an LLMTrainingJob.")]
JobName = Annotated[str, typer.Argument(help="The job's name.")]
Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Of the job; the context's by default.")
]
Context = Annotated[
    str | None, typer.Option("--context", help="Of the kubeconfig; its current one by default.")
]
Kubeconfig = Annotated[
    Path | None,
    typer.Option("--kubeconfig", help="A file; by default KUBECONFIG, or ~/.kube/config."),
]


@dataclass(frozen=True)
class Target:
    """The cluster and the namespace of a command, by kubectl's options.

    Attributes:
        namespace: None for that of the context.
        context: None for the kubeconfig's current one.
        kubeconfig: None for the file that kubectl would use.
    """

    namespace: str | None
    context: str | None
    kubeconfig: Path | None

    @property
    def is_named(self) -> bool:
        """Whether any of these options was given."""
        return any((self.namespace, self.context, self.kubeconfig))
