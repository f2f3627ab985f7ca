"""The steps of a manifest on its first documents: `python -m llmtrain_trainer.preview RUN_CONFIG`.

It writes a `DataPreview` on standard output. Nothing is left on the disk, and no Ray is started.
"""

import argparse
import logging
import sys
from contextlib import redirect_stdout

from llmtrain_api.data_report import DataPreview
from llmtrain_api.visible import visible
from llmtrain_trainer.errors import StageError, missing_package
from llmtrain_trainer.outcome import leave, read_run_config


def main(arguments: list[str] | None = None) -> int:
    """Write the preview; returns the exit code.

    Args:
        arguments: command line arguments; by default the process's own.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="a run config of the data stage")
    parser.add_argument("--documents", type=int, default=1000)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.ERROR)
    try:
        # The code of an evaluation task may print.
        with redirect_stdout(sys.stderr):
            found = _preview(options)
    except StageError as error:
        print(f"error: {visible(error.message)}", file=sys.stderr)  # noqa: T201 - a terminal program
        return int(error.exit_code)
    print(found.model_dump_json())  # noqa: T201
    return 0


def _preview(options: argparse.Namespace) -> DataPreview:
    try:
        from llmtrain_trainer.data.preview import preview
    except ModuleNotFoundError as error:
        raise missing_package("a preview", error) from error
    return preview(read_run_config([options.config]), options.documents)


if __name__ == "__main__":
    leave(main())
