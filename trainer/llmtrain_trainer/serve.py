"""Serves a model over OpenAI's API, with the server of `transformers`.

python -m llmtrain_trainer.serve FOLDER [--host HOST] [--port PORT]
"""

import argparse
import sys
from pathlib import Path

from llmtrain_api.visible import visible
from llmtrain_trainer.errors import UserError, missing_package


def main(arguments: list[str] | None = None) -> int:
    """Serve a model until Ctrl-C; returns the exit code.

    Args:
        arguments: command line arguments; by default the process's own.
    """
    parser = argparse.ArgumentParser(prog="llmtrain serve", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args(arguments)
    try:
        _serve(options.folder.resolve(), host=options.host, port=options.port)
    except UserError as error:
        print(f"error: {visible(error.message)}", file=sys.stderr)  # noqa: T201 - a terminal program
        return int(error.exit_code)
    return 0


def _serve(folder: Path, *, host: str, port: int) -> None:
    """Serve a model until Ctrl-C.

    Raises:
        UserError: the folder holds no model, or a library is missing.
    """
    try:
        import openai  # noqa: F401 - the server answers in its types
        import uvicorn  # noqa: F401
        from transformers.cli.serve import Serve
    except ModuleNotFoundError as error:
        raise missing_package("serve", error, "trainer,serve") from error
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: holds no model; give a folder that the export stage wrote")
    # Requests name the model by its folder; the server refuses other names.
    print(f"http://{host}:{port}/v1 serves the model {visible(str(folder))}", flush=True)  # noqa: T201
    Serve(force_model=str(folder), host=host, port=port)


if __name__ == "__main__":
    sys.exit(main())
