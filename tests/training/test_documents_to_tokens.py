"""The data stage and the tokenizer stage, in this process and with a real Ray."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from itertools import count, pairwise
from pathlib import Path

import pytest
from support.crashed_rename import KilledError, killed_before_rename
from support.killed_reader import KilledFile, KilledReader, known_to_workers
from support.local_ray import local_ray
from support.stage_context import documents_of, stage_context
from support.token_files import all_tokens
from transformers import AutoTokenizer

from llmtrain_api.data_report import DataReport
from llmtrain_api.spec.data import Source
from llmtrain_api.spec.evaluate import Evaluate
from llmtrain_trainer.data.documents import DocumentFile, document_files
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.data.sources.shards import SourceShard, shards
from llmtrain_trainer.errors import Interrupted, UserError
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokenizer.runner import RUNNER as TOKENIZER_STAGE
from llmtrain_trainer.tokens.files import TokenFile

TOKENIZER = {"algorithm": "bpe", "vocabularySize": 300}


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    with local_ray():
        yield


@pytest.fixture(params=["here", "spread"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Input that is small enough for this process, then too much for it."""
    if request.param == "spread":
        request.getfixturevalue("ray")
        monkeypatch.setattr("llmtrain_trainer.parallel._SMALL_BYTES", 0)


def sentence(number: int) -> str:
    return f"The words of document {number} have to be read with care, and that is the end of it."


def alike(number: int) -> str:
    """A text that is like those of the two other numbers with the same third."""
    first = number // 3 * 100
    return " ".join(sentence(each) for each in (*range(first, first + 9), 10_000 + number))


def files_context(folder: Path, stage: str = "data", **changes: object) -> StageContext:
    """A context over the JSON lines files below the inputs folder."""
    data = {
        "sources": [{"files": {"paths": ["*.jsonl"], "format": "jsonl"}}],
        "steps": [{"html": {}}, {"unicode": {}}, {"gopher": {"minWords": 3}}, {"exactDedup": {}}],
        "validationFraction": 0.1,
        **changes,
    }
    return stage_context(stage, folder, data=data, tokenizer=TOKENIZER)


def asking_context(folder: Path, questions: int) -> StageContext:
    """A context of a job that will ask as many questions about its documents."""
    context = files_context(folder, validationFraction=0.1)
    evaluate = Evaluate.model_validate({"tasks": [{"heldOutDocs": {"questions": questions}}]})
    config = context.config.replace(evaluate=evaluate)
    return StageContext(config, context.progress)


def write_inputs(folder: Path, *files: list[str]) -> None:
    """Write `0.jsonl`, `1.jsonl` and so on, with these texts."""
    (folder / "inputs").mkdir(parents=True)
    for number, texts in enumerate(files):
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        (folder / "inputs" / f"{number}.jsonl").write_text(lines)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_documents_are_split_in_order_and_the_report_adds_up(tmp_path: Path) -> None:
    write_inputs(
        tmp_path,
        [sentence(number) for number in range(40)],
        ["too short", sentence(3).upper(), "Colorless green ideas sleep"],
        [sentence(number) for number in range(40, 80)],
    )
    context = files_context(tmp_path)
    DATA_STAGE.work(context)
    train, validation = (documents_of(context.workspace, s) for s in ("train", "validation"))
    assert sorted(train + validation) == sorted(map(sentence, range(80)))
    assert train == sorted(train, key=list(map(sentence, range(80))).index)
    assert validation
    report = DataReport.model_validate_json(context.workspace.data_report.read_text())
    assert {name: a.documents for name, a in report.sources.items()} == {
        "0.jsonl": 40,
        "1.jsonl": 3,
        "2.jsonl": 40,
    }
    assert {step.name: step.dropped_by_rule for step in report.steps if step.dropped.documents} == {
        "gopher": {"minWords": 1, "stopWords": 1},
        "exactDedup": {"repeated": 1},
    }
    assert report.steps[-1].kept == report.train + report.validation
    assert report.train.documents == len(train)
    assert report.validation.bytes == sum(len(text.encode()) for text in validation)
    assert context.progress.report.percent == 100


def test_a_rerun_makes_the_same_bytes_or_nothing_at_all(tmp_path: Path) -> None:
    write_inputs(tmp_path, *[[sentence(10 * f + n) for n in range(10)] for f in range(6)])
    context = files_context(tmp_path)
    for stage in (DATA_STAGE, TOKENIZER_STAGE):
        stage.work(context)
    first = digests(context.workspace.root)
    written = context.workspace.documents.stat().st_ino
    for stage in (DATA_STAGE, TOKENIZER_STAGE):
        stage.work(context)
    assert context.workspace.documents.stat().st_ino == written
    for marker in (context.workspace.documents, context.workspace.tokens):
        (marker / "complete.json").unlink()
    for stage in (DATA_STAGE, TOKENIZER_STAGE):
        stage.work(context)
    assert digests(context.workspace.root) == first
    assert context.workspace.documents.stat().st_ino != written


@pytest.mark.usefixtures("ray")
def test_results_do_not_depend_on_where_they_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_inputs(tmp_path, *[[alike(10 * f + n) for n in range(10)] for f in range(6)])
    context = files_context(tmp_path, steps=[{"exactDedup": {}}, {"nearDedup": {}}])
    made = []
    monkeypatch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", 600)
    monkeypatch.setattr("llmtrain_trainer.data.near.rounds.PARTITION_KEYS", 200)
    for small_bytes, tasks_per_core in ((2**20, 1), (0, 1), (0, 2)):
        monkeypatch.setattr("llmtrain_trainer.parallel._SMALL_BYTES", small_bytes)
        monkeypatch.setattr("llmtrain_trainer.parallel._TASKS_PER_CORE", tasks_per_core)
        for stage in (DATA_STAGE, TOKENIZER_STAGE):
            stage.work(context)
        made.append(digests(context.workspace.root))
        report = DataReport.model_validate_json(context.workspace.data_report.read_bytes())
        shutil.rmtree(context.workspace.root)
        assert report.steps[-1].dropped_by_rule == {"nearRepeated": 40}
    assert made[0] == made[1] == made[2]
    assert sum(name.endswith(".parquet") for name in made[0]) >= 6


@pytest.mark.usefixtures("ray")
def test_a_worker_killed_in_the_middle_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_inputs(tmp_path, *[[sentence(10 * f + n) for n in range(10)] for f in range(4)])
    context = files_context(tmp_path)
    monkeypatch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", 600)
    DATA_STAGE.work(context)
    whole = digests(context.workspace.root)
    shutil.rmtree(context.workspace.root)

    marker = tmp_path / "killed"

    def deadly(sources: Sequence[Source], context: StageContext) -> list[SourceShard]:
        first, second, *others = shards(sources, context)
        return [first, replace(second, shard=KilledReader(second.shard, marker)), *others]

    monkeypatch.setattr("llmtrain_trainer.parallel._SMALL_BYTES", 0)
    monkeypatch.setattr("llmtrain_trainer.data.stage.shards", deadly)
    with known_to_workers():
        DATA_STAGE.work(context)
    assert marker.exists()
    assert digests(context.workspace.root) == whole


@pytest.mark.usefixtures("ray")
def test_a_worker_killed_while_it_tokenizes_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_inputs(tmp_path, *[[sentence(10 * f + n) for n in range(10)] for f in range(4)])
    context = files_context(tmp_path)
    monkeypatch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", 600)
    DATA_STAGE.work(context)
    TOKENIZER_STAGE.work(context)
    whole = digests(context.workspace.root)
    shutil.rmtree(context.workspace.tokens)

    marker = tmp_path / "killed"

    def deadly(folder: Path) -> list[DocumentFile]:
        first, *others = document_files(folder)
        if folder.name == "validation":  # whose units come last
            first = KilledFile(*astuple(first), marker=marker)
        return [first, *others]

    monkeypatch.setattr("llmtrain_trainer.parallel._SMALL_BYTES", 0)
    monkeypatch.setattr("llmtrain_trainer.tokenizer.write.document_files", deadly)
    with known_to_workers():
        TOKENIZER_STAGE.work(context)
    assert marker.exists()
    assert digests(context.workspace.root) == whole


def test_a_tokenizer_stage_that_is_killed_anywhere_goes_on_to_the_same_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", 600)
    write_inputs(tmp_path, *[[sentence(10 * f + n) for n in range(10)] for f in range(2)])
    context = files_context(tmp_path)
    DATA_STAGE.work(context)
    documents = context.workspace.root.rename(tmp_path / "documents")
    made = []
    for rename in count(1):
        shutil.copytree(documents, context.workspace.root)
        try:
            with killed_before_rename(rename):
                TOKENIZER_STAGE.work(context)
        except KilledError:
            TOKENIZER_STAGE.work(context)
            made.append(digests(context.workspace.root))
        else:
            whole = digests(context.workspace.root)
            break
        finally:
            shutil.rmtree(context.workspace.root)
    assert all(each == whole for each in made)
    assert sum(name.endswith(".bin") for name in whole) == 3
    assert len(made) >= 11  # the tokenizer, 3 units, their 6 files, the folder


def test_changed_inputs_are_worked_on_again(tmp_path: Path) -> None:
    write_inputs(tmp_path, [sentence(number) for number in range(5)])
    context = files_context(tmp_path)
    DATA_STAGE.work(context)
    TOKENIZER_STAGE.work(context)
    before = TokenFile(context.workspace.tokens / "train").index
    with (tmp_path / "inputs" / "0.jsonl").open("a") as file:
        file.write(json.dumps({"text": sentence(5)}) + "\n")
    DATA_STAGE.work(context)
    TOKENIZER_STAGE.work(context)
    after = TokenFile(context.workspace.tokens / "train").index
    assert after.num_documents == before.num_documents + 1


def test_two_documents_fill_both_sides(tmp_path: Path) -> None:
    write_inputs(tmp_path, [sentence(0), sentence(1)])
    context = files_context(tmp_path, validationFraction=1e-9)
    DATA_STAGE.work(context)
    assert documents_of(context.workspace, "train") == [sentence(1)]
    assert documents_of(context.workspace, "validation") == [sentence(0)]


@pytest.mark.usefixtures("place")
def test_the_first_broken_line_in_order_is_what_the_user_sees(tmp_path: Path) -> None:
    write_inputs(tmp_path, *[[sentence(number)] for number in range(8)])
    for number in (3, 6):
        with (tmp_path / "inputs" / f"{number}.jsonl").open("a") as file:
            file.write('{"text": \n')
    context = files_context(tmp_path)
    with pytest.raises(UserError, match=r"3\.jsonl: line 2: each line must be one JSON object"):
        DATA_STAGE.work(context)
    assert not context.workspace.documents.exists()


@pytest.mark.usefixtures("place")
def test_bad_rows_of_all_files_together_have_one_limit(tmp_path: Path) -> None:
    write_inputs(tmp_path, *[[sentence(number)] for number in range(4)])
    for number in (1, 3):
        with (tmp_path / "inputs" / f"{number}.jsonl").open("a") as file:
            file.write('{"text": \n')
    files = {"paths": ["*.jsonl"], "format": "jsonl"}
    context = files_context(tmp_path, sources=[{"files": {**files, "maxBadRows": 2}}])
    DATA_STAGE.work(context)
    kept = [each for s in ("train", "validation") for each in documents_of(context.workspace, s)]
    assert sorted(kept) == [sentence(number) for number in range(4)]
    context = files_context(tmp_path, sources=[{"files": {**files, "maxBadRows": 1}}])
    with pytest.raises(UserError, match=r"3\.jsonl: line 2: .*bad row 2 of .*maxBadRows is 1"):
        DATA_STAGE.work(context)


def test_lost_text_is_reported_at_each_run(tmp_path: Path) -> None:
    write_inputs(tmp_path, [sentence(0), sentence(1), *["too short"] * 3])
    for _ in range(2):
        context = files_context(tmp_path)
        DATA_STAGE.work(context)
        (warning,) = context.progress.report.warnings
        assert "3 of 5 documents were dropped, by gopher minWords 3" in warning


def test_questions_that_cannot_be_asked_are_known_after_the_data_stage(tmp_path: Path) -> None:
    write_inputs(tmp_path, [sentence(number) * 3 for number in range(60)])
    context = asking_context(tmp_path, 20)
    DATA_STAGE.work(context)
    (warning,) = context.progress.report.warnings
    assert re.search("heldOutDocs will ask [0-9]+ questions instead of 20", warning)
    write_inputs(tmp_path / "few", [sentence(number) for number in range(60)])
    with pytest.raises(UserError, match=r"heldOutDocs needs 4 .*; 0 of [0-9]+ can be cut"):
        DATA_STAGE.work(asking_context(tmp_path / "few", 20))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "the sources hold no documents: 0.jsonl"),
        (
            ["x y z", "a b"],
            r"the step gopher dropped the last 2 of 2 \(meanWordLength: 1, words of fewer than 3 ",
        ),
    ],
)
def test_an_empty_corpus_says_where_the_documents_went(
    tmp_path: Path, texts: list[str], message: str
) -> None:
    write_inputs(tmp_path, texts)
    with pytest.raises(UserError, match=message):
        DATA_STAGE.work(files_context(tmp_path))


@pytest.mark.usefixtures("place")
def test_a_stopped_stage_leaves_nothing_half_done(tmp_path: Path) -> None:
    write_inputs(tmp_path, [sentence(0), sentence(1)])
    context = files_context(tmp_path)
    DATA_STAGE.work(context)
    before = digests(context.workspace.root)
    context.stop.set()
    with pytest.raises(Interrupted):
        TOKENIZER_STAGE.work(context)
    assert digests(context.workspace.root) == before


def test_tokens_stand_for_the_documents(tmp_path: Path) -> None:
    texts = [sentence(number) for number in range(30)]
    texts[7] += " <|endoftext|> is how it ends: naïve 日本 👍"
    write_inputs(tmp_path, texts)
    context = files_context(tmp_path)
    DATA_STAGE.work(context)
    TOKENIZER_STAGE.work(context)
    tokenizer = AutoTokenizer.from_pretrained(context.workspace.tokenizer)
    for split in ("train", "validation"):
        file = TokenFile(context.workspace.tokens / split)
        file.verify()
        documents = documents_of(context.workspace, split)
        tokens = all_tokens(file)
        starts = file.documents(0)[:, 0].tolist()
        assert [
            tokenizer.decode(tokens[start : end - 1]) for start, end in pairwise(starts)
        ] == documents
        assert tokens.count(tokenizer.eos_token_id) == len(documents)
        assert file.index.num_bytes == sum(len(text.encode()) for text in documents)
        assert file.index.vocabulary_size == len(tokenizer) == 300


def test_text_that_a_vocabulary_cannot_write_is_reported(tmp_path: Path) -> None:
    names = [hashlib.sha256(bytes([number])).hexdigest() for number in range(30)]
    texts = [" ".join(name[n : n + 4] for n in range(0, 60, 4)) for name in names]
    write_inputs(tmp_path, [*texts, texts[0] + " " + "x" * 200])  # a word too long for WordPiece
    context = files_context(tmp_path, steps=[{"length": {"minWords": 3}}])
    DATA_STAGE.work(context)
    TOKENIZER_STAGE.work(context)
    assert context.progress.report.warnings == ()
    words = stage_context(
        "tokenizer",
        tmp_path,
        data=context.config.data,
        tokenizer={"algorithm": "wordpiece", "vocabularySize": 300},
    )
    TOKENIZER_STAGE.work(words)
    (warning,) = words.progress.report.warnings
    assert re.match("1 of [0-9,]+ tokens stand for text that the vocabulary", warning)


def test_a_pretrained_tokenizer_needs_none(tmp_path: Path) -> None:
    write_inputs(tmp_path, [sentence(0), sentence(1)])
    context = files_context(tmp_path)
    DATA_STAGE.work(context)
    TOKENIZER_STAGE.work(context)
    (tmp_path / "other").mkdir()
    context.workspace.tokenizer.rename(tmp_path / "other" / "mine")
    other = stage_context(
        "tokenizer", tmp_path / "other", tokenizer={"pretrained": str(tmp_path / "other" / "mine")}
    )
    TOKENIZER_STAGE.work(other)
    assert len(AutoTokenizer.from_pretrained(other.workspace.tokenizer)) == 300
    assert not other.workspace.tokens.exists()
