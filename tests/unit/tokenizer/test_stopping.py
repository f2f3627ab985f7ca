"""A driver stops on request even while a library learns the vocabulary."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

_DRIVER = """
    import random, signal, sys, threading
    from pathlib import Path

    from support.stage_context import stage_context

    from llmtrain_trainer import __main__ as driver
    from llmtrain_trainer.completion import mark_complete
    from llmtrain_trainer.data.documents import DocumentWriter
    from llmtrain_trainer.errors import Interrupted

    letters = "".join(map(chr, range(0x4E00, 0x5200)))
    context = stage_context(
        "tokenizer",
        Path(sys.argv[1]),
        data={"sources": [{"pythonDocs": {}}]},
        tokenizer={"algorithm": "unigram", "vocabularySize": 360},
    )
    documents = context.workspace.documents
    with DocumentWriter(documents / "train") as train:
        train.write("".join(random.Random(1).choices(letters, k=400_000)), "made")
    mark_complete(documents, "made")

    def stop(number, frame):
        context.stop.set()

    def request_stop():
        while not context.progress.report.activity.startswith("learning"):
            threading.Event().wait(0.05)
        print("learning", flush=True)

    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=request_stop, daemon=True).start()
    driver._STOP_SECONDS = 1.0
    try:
        driver._in_thread(context, lambda: True)
    except Interrupted as error:
        print(error.message, flush=True)
        driver.leave(error.exit_code)
"""


@pytest.mark.slow
def test_a_driver_stops_in_the_middle_of_learning(tmp_path: Path) -> None:
    support = str(Path(__file__).parents[2])
    driver = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_DRIVER), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": support},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert driver.stdout is not None
        assert driver.stdout.readline() == "learning\n"
        driver.send_signal(signal.SIGTERM)
        # Left alone, it learns for minutes.
        output, _ = driver.communicate(timeout=30)
        assert output == "stopped; the stage will be done anew\n"
        assert driver.returncode == 75
        assert not (tmp_path / "workspace" / "tokenizer").exists()
    finally:
        driver.kill()
        driver.wait()
