"""The environment and secrets sections: variables and credentials of a job's processes."""

import re
from typing import Annotated, Final, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from llmtrain_api.base import Section, keyed_by, rule, rules, without_twins, written
from llmtrain_api.names import SECRETS_PATH
from llmtrain_api.spec.kubernetes import ObjectName

_PLACE: Final = r"((LOCAL|GROUP|ROLE|NODE)_)?(RANK|WORLD_SIZE)"
_RESERVED: Final = (
    (r"LLMTRAIN_.*|HOME|DS_ACCELERATOR", "llmtrain sets it"),
    (
        r"PATH|PYTHON.*|LD_.*|BASH_ENV|TORCH_FORCE_.*|.*TRUST_REMOTE_CODE",
        "it decides which code runs",
    ),
    (r"RAY_.*|KUBERAY_.*|FQ_RAY_IP|REDIS_.*", "Ray and KubeRay set it"),
    (
        rf"MASTER_(ADDR|PORT)|{_PLACE}|(PET|TORCHELASTIC|TORCH_NCCL)_.*|NCCL_COMM_ID",
        "the ranks find each other by it",
    ),
    (
        r"(CUDA|NVIDIA|HIP|ROCR|ASCEND_RT)_VISIBLE_DEVICES|NVIDIA_(IMEX_CHANNELS|MIG_.*)",
        "it decides which GPUs a Pod gets",
    ),
    (r"KUBERNETES_.*|HOSTNAME", "Kubernetes sets it"),
)
"""Names of variables that a job cannot set, and the reason."""


def _require_free_name(name: str) -> str:
    for pattern, why in _RESERVED:
        if re.fullmatch(pattern, name):
            raise ValueError(f"{name} cannot be set: {why}")
    return name


VariableName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
    written(
        "the name of an environment variable: at most 128 letters, digits and underscores, the "
        "first of them no digit, such as NCCL_DEBUG"
    ),
    AfterValidator(_require_free_name),
    Field(
        json_schema_extra=rules(
            *(
                rule(f"!self.matches(r'^({pattern})$')", f"this name cannot be set: {why}")
                for pattern, why in _RESERVED
            )
        )
    ),
]
"""The name of a variable that a job may set."""


class EnvironmentVariable(Section):
    """A variable with a plain value, which everybody who may read the job can see."""

    name: VariableName
    """Name of the variable: `NCCL_DEBUG`. Names that llmtrain, Ray, torch.distributed and
    Kubernetes set are refused, and those that decide which code runs."""
    value: Annotated[
        str,
        StringConstraints(max_length=4096, pattern=r"^[^\x00]*$"),
        written("at most 4096 characters, none of them NUL"),
    ]
    """Value as it is written; references such as `$(NAME)` are not replaced."""


SecretKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253, pattern=r"^\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$"),
    written("a key of a Secret: at most 253 letters, digits, '-', '_' and '.'"),
]


class SecretVariable(Section):
    """A variable whose value is in a Secret."""

    name: VariableName
    """Name of the variable: `HF_TOKEN`."""
    key: SecretKey | None = None
    """Key of the Secret with the value; the variable's name where it is left out."""


_NO_USE = "say how the Secret is used: set environment, or files: true"


class SecretUse(Section):
    """A Secret of the job's namespace, and how the job's Pods get it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "(has(self.environment) && self.environment.size() > 0)"
                " || (has(self.files) && self.files)",
                _NO_USE,
            )
        )
    )

    name: ObjectName
    """Name of the Secret. It must carry the label `llmtrain.io/for-jobs: "true"`."""
    environment: Annotated[
        tuple[SecretVariable, ...],
        Field(max_length=16, json_schema_extra=keyed_by("name")),
        without_twins("name"),
    ] = ()
    """Environment variables with values from the Secret."""
    files: bool = False
    """Whether the Secret's keys are files in the folder `/mnt/secrets/NAME`."""

    @property
    def folder(self) -> str:
        """Folder of the Secret's files in all Pods."""
        return f"{SECRETS_PATH}/{self.name}"

    @model_validator(mode="after")
    def _is_used(self) -> Self:
        if not self.environment and not self.files:
            raise ValueError(_NO_USE)
        return self


Environment = Annotated[
    tuple[EnvironmentVariable, ...],
    Field(max_length=64, json_schema_extra=keyed_by("name")),
    without_twins("name"),
]
Secrets = Annotated[
    tuple[SecretUse, ...],
    Field(max_length=16, json_schema_extra=keyed_by("name")),
    without_twins("name"),
]
