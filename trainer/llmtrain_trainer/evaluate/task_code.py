"""Code that a task of the lm-evaluation-harness brings along: not run unless it is trusted.

A task file can name Python functions beside it (`!function`), metrics that are scripts, and
templates that reach into the interpreter.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from jinja2 import StrictUndefined
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment

from llmtrain_trainer.errors import UserError


@contextlib.contextmanager
def task_code(name: str, *, trusted: bool) -> Iterator[None]:
    """Run what is inside with a task's code, or without it.

    Args:
        name: name of the task.
        trusted: whether its code may run.

    Raises:
        UserError: the task has code, and is not trusted.
    """
    if trusted:
        yield
        return
    found: list[str] = []
    try:
        with _sealed(found):
            yield
    except SecurityError as error:
        found.append(f"a template for which {error}")
    finally:
        if found:  # the harness swallows some errors
            raise UserError(
                f"evaluate.tasks: {name} runs code that lies with it, or on the hub: {found[0]}; "
                "read it, and set lmEval.trustTaskCode: true if it may run",
                reason="UntrustedCode",
            )


@contextlib.contextmanager
def _sealed(found: list[str]) -> Iterator[None]:
    """Close the ways by which the harness comes to code; what was tried is added to `found`."""
    import evaluate
    from lm_eval import utils
    from lm_eval.tasks import _yaml_loader

    def refuse(what: str) -> Callable[..., NoReturn]:
        def call(name: object = "", *_: object, **__: object) -> NoReturn:
            found.append(f"{what} {name}".rstrip())
            raise PermissionError(found[-1])

        return call

    sandbox = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    sandbox.filters.update(utils.env.filters)
    with (
        _replaced(_yaml_loader, "_import_func_in_yml", refuse("the function")),
        _replaced(evaluate, "load", refuse("the metric")),
        _replaced(utils, "env", sandbox),
    ):
        yield


@contextlib.contextmanager
def _replaced(module: Any, name: str, value: object) -> Iterator[None]:  # noqa: ANN401 - a module
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
