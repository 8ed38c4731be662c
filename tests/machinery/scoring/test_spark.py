"""What of the scoring on Spark needs no Spark; tests/test_spark.py of the template runs it."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory.errors import FactoryError, Refused
from late_flights.factory.formats import spark as exported
from late_flights.factory.scoring import scorer
from late_flights.factory.scoring.spark import job, session, source, task
from tests.factory import toy
from tests.factory.cli_runner import refused

pytestmark = pytest.mark.usefixtures("trained")
ROWS = toy.rows(300, first=9000)
JAVA = """An error occurred while calling o1.parquet.
: org.apache.spark.SparkException: {}
\tat org.apache.spark.Somewhere(Somewhere.scala:1)
Caused by: java.io.IOException: {}
"""


@pytest.fixture
def work(monkeypatch) -> task.Task:
    monkeypatch.setattr(task, "_to_arrow", lambda table: [task.storable(table)])  # Arrow comes with Spark
    model = {path.name: path.read_bytes() for path in Path("model").iterdir()}
    return task.Task(model, task.versions(), task.code(), reject=False)


def batches(rows, *files):
    return iter([rows.with_columns(pl.Series(task.FILE, [files[i * len(files) // rows.height] for i in range(rows.height)]))])


def reason(answers):
    with pytest.raises(RuntimeError) as caught:
        list(answers)
    return session.explained(f"Traceback\nRuntimeError: {caught.value}\n\tat org.apache.spark")


def broken(column="amount", value=100.5, row=299):
    return ROWS.with_columns(pl.when(pl.int_range(pl.len()) == row).then(value).otherwise(column).alias(column))


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_a_task_gives_the_scores_of_the_scorer(work):
    shutil.rmtree("model")  # which travels with the task
    found = pl.concat(work.scores(batches(ROWS, "file:///a.parquet", "file:///b.parquet")))
    Path("model").mkdir()
    for name, content in work.model.items():
        Path("model", name).write_bytes(content)
    assert found.equals(task.storable(scorer.Scorer.load().score(ROWS)))


def test_a_violation_names_file_and_rule(work):
    error = reason(work.scores(batches(broken(), "file:/in/a.parquet", "file:///in/Zo%C3%AB%201.parquet")))
    assert type(error) is FactoryError
    assert str(error) == "/in/Zoë 1.parquet: amount: above max 100, 1 of 150 rows, e.g. amount = 100.5"


def test_bad_rows_are_set_aside_with_reason_and_file(work):
    work = replace(work, reject=True)
    [bad] = [rows for rows in work.rejected(batches(broken(), "s3://in/a.parquet", "s3://in/b.parquet")) if rows.height]
    assert bad.select("amount", "_reason", task.FILE).rows() == [(100.5, "amount: above max 100", "s3://in/b.parquet")]
    assert pl.concat(work.scores(batches(broken(), "a.parquet"))).height == 299


def test_text_in_another_encoding_is_refused_where_spark_has_replaced_it(work):
    text = ROWS.select(pl.col("key").cast(pl.String).str.replace("^.", "\ufffd"))
    assert str(reason(work.scores(batches(text, "file:/in/a.csv")))) == "/in/a.csv: not UTF-8: convert it first"


def test_rows_without_text_are_taken_file_by_file():
    rows = pl.DataFrame({"id": [1, 2, 3]})
    found = list(task._by_file(next(batches(rows, "file:/in/a.parquet"))))
    assert [(file, part.rows()) for file, part in found] == [("/in/a.parquet", [(1,), (2,), (3,)])]


@pytest.mark.parametrize("name", ["Python", *task.LIBRARIES])
def test_a_worker_with_another_version_is_refused(work, name):
    error = reason(replace(work, versions=work.versions | {name: "0.1"}).scores(batches(ROWS, "a.parquet")))
    assert isinstance(error, Refused) and error.code == "PARITY" and f"{name} {work.versions[name]}, not 0.1" in str(error)


@pytest.mark.parametrize("name", ["features.py", "factory/scoring/scorer.py"])
def test_a_worker_with_other_code_is_refused(work, name):
    error = reason(replace(work, code=work.code | {name: "0"}).scores(batches(ROWS, "a.parquet")))
    assert isinstance(error, Refused) and error.code == "PARITY" and f"another {name}" in str(error)


def test_code_that_scoring_does_not_import_may_be_missing(work, monkeypatch):
    """As in the wheel, which holds none that trains."""
    adopt = [name for name, module in sys.modules.items() if "/factory/adopt/" in f"{getattr(module, '__file__', '')}"]
    for name in adopt:  # which other tests have imported, some by a name of an older release
        monkeypatch.delitem(sys.modules, name)
    code = {name: sha for name, sha in work.code.items() if not name.startswith("factory/adopt/")}
    assert list(replace(work, code=code).scores(batches(ROWS, "a.parquet")))


def test_a_damaged_model_is_refused(work):
    damaged = replace(work, model=work.model | {"profile.parquet": b"x"})
    assert "profile.parquet is damaged" in str(reason(damaged.scores(batches(ROWS, "a.parquet"))))


MESSAGES = {
    "no wheel": (
        "Traceback\nModuleNotFoundError: No module named 'churn'\n",
        "PARITY: a worker cannot run this: No module named 'churn'",
    ),
    "another Python": (
        "[PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.12 than that in driver: 3.11\n",
        "PARITY: a worker cannot run this: Python in worker has different version: 3.12",
    ),
    "lost": (
        "Lost task 0.3: ExecutorLostFailure (executor 3 exited) Reason: Command exited with code 137\nDriver stacktrace:",
        "EXECUTOR_LOST: executors were lost again and again, for lack of memory perhaps: Command exited with code 137",
    ),
    "unreadable": (
        JAVA.format("Encountered error while reading file file:///in/b%20.parquet.  SQLSTATE: KD001", "not a Parquet file"),
        "UNREADABLE: /in/b .parquet: not a Parquet file",
    ),
    "another": (JAVA.format("Job aborted.", "Permission denied"), "Spark: Job aborted.: Permission denied"),
    "short": ("[JAVA_GATEWAY_EXITED] Java ended.", "Spark: [JAVA_GATEWAY_EXITED] Java ended."),
}


@pytest.mark.parametrize("text, expected", MESSAGES.values(), ids=MESSAGES)
def test_errors_of_spark_become_one_line(text, expected):
    message = str(session.explained(text))
    assert message.startswith(expected) and "\n" not in message


def test_what_is_not_installed_is_named(monkeypatch):
    assert "uv add --optional spark 'pyspark[sql]" in refused("score", "--engine", "spark", "rows", "scores")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(FactoryError, match="needs Java, and there is none on this machine"):
        session._check_java()


def test_a_source_is_of_one_known_format():
    assert source._format([source.File("file:/a.csv.gz", 1, ""), source.File("file:/b.csv", 1, "")]) == "csv"
    with pytest.raises(FactoryError, match=r"/a.csv and /b.parquet are of different formats"):
        source._format([source.File("file:/a.csv", 1, ""), source.File("file:/b.parquet", 1, "")])
    with pytest.raises(FactoryError, match=r"/a.xlsx: unsupported file type"):
        source._format([source.File("file:/a.xlsx", 1, "")])


def test_a_run_goes_on_only_where_nothing_has_changed(work):
    files = [source.File("file:/a.parquet", 1, "2026")]
    same = [job._identity(work, source.Source(None, "a", files)) for _ in range(2)]
    others = [
        job._identity(work, source.Source(None, "a", [replace(files[0], modified="2027")])),
        job._identity(replace(work, model=work.model | {"model.onnx": b""}), source.Source(None, "a", files)),
        job._identity(replace(work, code=work.code | {"features.py": "0"}), source.Source(None, "a", files)),
        job._identity(replace(work, reject=True), source.Source(None, "a", files)),
    ]
    assert same[0] == same[1] and len({same[0], *others}) == 5


def test_commands_are_complete():
    text = exported.COMMANDS.substitute(folder="job", wheels="job/churn.whl", names="churn.whl", python="3.12")
    assert "$" not in text and text.count("job/score_job.py") == 1 and text.count("URL/score_job.py") == 3
    command = text.partition("--json '")[2].partition("'")[0]
    assert json.loads(command)["tasks"][0]["spark_python_task"]["parameters"] == ["IN", "OUT", "--model", "URL/model"]
    compile(exported.JOB, "score_job.py", "exec")
