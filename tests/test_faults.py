"""Killed, doubled, starved of disk, with rotten or missing files: one line says so, nothing is lost, and the next run is right."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import git
from workshop import Project, beside, fill, installed, small_disk, wait

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs Linux")]
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "6"))
RANDOM = random.Random(os.environ.get("FAULT_SEED", "7"))
JANUARY, APRIL = (f"data/raw/flights-late-2013-{month}.parquet" for month in ("01", "04"))
HOSTILE = {"HOME": None, "LANG": "C", "LC_ALL": None, "PYTHONHASHSEED": "123", "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}


def rot(path: Path) -> None:
    """Flip a bit in the middle; mode and times stay."""
    stat, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(stat.st_mode)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def unlock(project: Project) -> None:
    """Remove the locks of tools that were killed while they wrote them, as Git and docs/data.md want it."""
    rwlock = project.folder / ".dvc/tmp/rwlock"
    for lock in [
        *(project.folder / ".git").rglob("*.lock"),
        *([rwlock] if rwlock.exists() and not rwlock.stat().st_size else []),
    ]:
        lock.unlink()


@pytest.fixture(scope="module")
def fresh(template, tmp_path_factory) -> Project:
    """A project as it was rendered, with its environment and a small model to learn."""
    project = installed(template, tmp_path_factory.mktemp("faults"), "Faults", Project)
    project.set("max_iter: 200", "max_iter: 10")
    return project


@pytest.fixture(scope="module")
def trained(fresh, tmp_path_factory) -> Project:
    """A project with a model, everything committed and pushed."""
    project = Project(beside(fresh, tmp_path_factory.mktemp("trained") / "Zoë 李 x"), fresh.bin)
    project.done("factory", "setup")
    project.reproduced()
    project.done("dvc", "push")
    git(project.folder, "add", "--all")
    git(project.folder, "commit", "--quiet", "--no-verify", "--message", "Train")
    return project


@pytest.fixture
def bare(fresh, tmp_path) -> Project:
    return Project(beside(fresh, tmp_path / "Zoë 李 x"), fresh.bin)


@pytest.fixture
def work(trained, tmp_path) -> Project:
    return Project(beside(trained, tmp_path / "Zoë 李 x"), trained.bin)


# The pipeline, killed and doubled


@pytest.fixture(scope="module")
def expected(trained, tmp_path_factory) -> dict[str, dict[str, bytes]]:
    """What undisturbed runs make of two settings, in a folder of another name and in the barest of environments."""
    project = Project(beside(trained, tmp_path_factory.mktemp("expected") / "plain"), trained.bin)
    shutil.rmtree(project.folder / ".dvc/cache/runs")
    one = project.reproduced("--force", **HOSTILE)
    project.set("test: 0.2", "test: 0.3")
    return {"test: 0.2": one, "test: 0.3": project.reproduced()}


def test_bytes_depend_on_data_and_parameters_alone(trained, expected):
    assert trained.artefacts() == expected["test: 0.2"]
    assert expected["test: 0.3"].keys() == trained.artefacts().keys()
    for name in ("model/model.skops", "model/model.onnx", "model/manifest.json", "data/prepared/train.parquet"):
        assert expected["test: 0.3"][name] != expected["test: 0.2"][name]


@pytest.mark.parametrize("shell", ["/bin/dash", "/bin/bash", None])
def test_killed_run_is_made_good(work, expected, shell):
    """A run with one setting is killed; the next, with the same or the other, makes what an undisturbed one makes."""
    setting = "test: 0.2"
    for _ in range(-(-ROUNDS // 3)):
        process = work.start("dvc", "repro", "--force", SHELL=shell)
        moment, whom, how = RANDOM.uniform(0.8, 6), RANDOM.choice(["dvc", "factory"]), RANDOM.choice(["KILL", "TERM"])
        wait(lambda: process.poll() is not None, moment)  # noqa: B023
        if whom == "factory" and wait(lambda: work.running("/factory") or process.poll() is not None, 5):  # noqa: B023
            killed = work.running("/factory")
        else:
            killed = [process.pid]
        for pid in killed:
            with suppress(ProcessLookupError):  # on a fast machine the run may have ended
                os.kill(pid, getattr(signal, f"SIG{how}"))
        output = process.communicate(timeout=120)[1]  # of what DVC has started, too, which may still be importing
        event = f"SIG{how} to {whom} after {moment:.2f} s, {shell}: {output}"
        assert wait(lambda: not work.running(), 10), f"{event}: {work.running()} outlive DVC"
        other = RANDOM.choice(["test: 0.2", "test: 0.3"])
        work.set(setting, other)
        setting = other
        if work.run("dvc", "status")[0]:  # DVC writes its locks in place: docs/data.md names the remedies
            output = work.run("dvc", "repro")[2]
            if ".dvc/tmp/rwlock" in output:
                (work.folder / ".dvc/tmp/rwlock").unlink()
            else:
                assert "dvc.lock" in output, event
                git(work.folder, "restore", "dvc.lock")
        assert work.reproduced(SHELL=shell) == expected[setting], event


def test_half_a_lock_is_refused_and_restored(work, expected):
    lock = work.folder / "dvc.lock"
    lock.write_text(lock.read_text("utf-8").partition("    cmd: exec factory train")[0], "utf-8")
    code, _, err = work.run("dvc", "repro")
    assert code and "dvc.lock' validation failed" in err
    git(work.folder, "restore", "dvc.lock")
    assert work.reproduced() == expected["test: 0.2"]


def test_stage_that_starts_after_dvc_died_gives_up(work):
    """The process is adopted by another session before it can look who its parent is."""
    before = work.artefacts()
    shell = ["setsid", "sh", "-c", "export DVC_STAGE=train; (sleep 0.5; exec factory train) & exit 0"]
    _, _, err = work.run(*shell)
    assert err == "Error: DVC died while the stage was starting\n"
    assert work.artefacts() == before


def test_two_runs_at_once(work, expected):
    first = work.start("dvc", "repro", "--force")
    time.sleep(RANDOM.uniform(0, 3))
    second = work.start("dvc", "repro", "--force", RANDOM.choice(["prepare", "train", "evaluate"]))
    output = [process.communicate(timeout=300)[1] for process in (first, second)]
    failed = [err for process, err in zip((first, second), output, strict=True) if process.returncode]
    assert all("nable to acquire lock" in err or "is busy" in err for err in failed), output
    assert work.reproduced() == expected["test: 0.2"]


# Files that rot or are missing


def restore(project: Project) -> None:
    """What docs/data.md tells to do first, to the letter."""
    text = (project.folder / "docs/data.md").read_text("utf-8").partition("## A file is damaged")[2]
    (block,) = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    assert "removed" in project.done("bash", "-c", block)


def test_rotten_prepared_data(work, expected):
    train = work.folder / "data/prepared/train.parquet"
    rot(work.object("data/prepared/train.parquet"))
    shutil.rmtree(train.parent)
    work.done("dvc", "checkout")
    assert train.read_bytes() != expected["test: 0.2"]["data/prepared/train.parquet"]
    assert "data/prepared/train.parquet is damaged (its sha256 differs)" in work.refused("factory", "train")
    work.set("max_iter: 10", "max_iter: 11")
    code, _, err = work.run("dvc", "repro")
    assert code and "data/prepared/train.parquet is damaged" in err and "Traceback" not in err
    work.set("max_iter: 11", "max_iter: 10")
    restore(work)
    shutil.rmtree(train.parent)
    assert work.reproduced("--force") == expected["test: 0.2"]


def test_rotten_delivery(work):
    content = work.raw()
    rot(work.object(JANUARY))
    (work.folder / JANUARY).unlink()
    work.done("dvc", "checkout")
    code, _, err = work.run("factory", "prepare")
    assert code == 2 and f"{JANUARY} is not what {JANUARY}.dvc records (its sha256 differs)" in err and "Traceback" not in err
    restore(work)
    (work.folder / JANUARY).unlink()
    work.done("dvc", "pull")
    assert work.raw() == content
    work.done("factory", "prepare")


def test_rotten_model(work, expected):
    for name in ("model.onnx", "model.skops", "manifest.json"):
        rot(work.object(f"model/{name}"))
        shutil.rmtree(work.folder / "model")
        work.done("dvc", "checkout")
        assert f"model/{name} is damaged" in work.refused("factory", "score", JANUARY, "scores.csv")
        assert not (work.folder / "scores.csv").exists()
        if name == "model.onnx":
            assert "model/model.onnx is damaged" in work.refused("factory", "evaluate")
        restore(work)
        shutil.rmtree(work.folder / "model")
        work.done("dvc", "pull")
        assert work.artefacts() == expected["test: 0.2"]


def test_rotten_storage(work):
    """The storage is verified, so what rots there is noticed; what is in place stays."""
    content = work.raw()
    rot(work.object(JANUARY, "../faults-storage"))
    work.object(JANUARY).unlink()
    (work.folder / JANUARY).unlink()
    code, _, err = work.run("dvc", "pull")
    assert code and "Traceback" not in err
    assert JANUARY in work.refused("factory", "prepare")
    assert work.raw() == {name: raw for name, raw in content.items() if name not in JANUARY}


@pytest.mark.parametrize("fault", ["lacks an object", "is gone", "cannot be reached"])
def test_storage_that_cannot_deliver(work, fault):
    content = work.raw()
    if fault == "lacks an object":
        work.object(JANUARY, "../faults-storage").unlink()
    else:
        place = "/nowhere/at/all" if fault == "is gone" else "http://127.0.0.1:9/storage"
        work.done("dvc", "remote", "modify", "--local", "storage", "url", place)
    work.object(JANUARY).unlink()
    (work.folder / JANUARY).unlink()
    code, _, err = work.run("dvc", "pull")
    assert code and "ERROR" in err and "Traceback" not in err
    assert work.refused("factory", "prepare") == f"{JANUARY} is missing: fetch it with `uv run dvc pull`"
    assert work.raw() == {name: raw for name, raw in content.items() if name not in JANUARY}


# Disks that are full or cannot be written


@pytest.fixture
def disk(work, tmp_path) -> Iterator[Project]:
    """The project on a small disk of its own."""
    with small_disk(tmp_path / "disk", "60m") as place:
        yield Project(beside(work, place / "x"), work.bin)


COMMANDS = (["prepare"], ["train"], ["evaluate"], ["ingest", "../new.parquet"], ["score", APRIL, "scores.csv"])


@pytest.fixture
def states() -> Callable[[Project], object]:
    ours = ("data", "model", "reports", "scores.csv")
    return lambda project: {
        path.relative_to(project.folder): path.read_bytes()
        for name in ours
        for path in [project.folder / name, *(project.folder / name).rglob("*")]
        if path.is_file() and path.name != ".gitignore"  # a line too many for what is not there does no harm
    }


def test_full_disk(disk, states):
    deliver(disk, "../new.parquet")
    (disk.folder / "scores.csv").write_text("earlier scores")
    before = states(disk)
    for command in COMMANDS:
        fill(disk.folder.parent, RANDOM.choice([0, 20_000]))
        assert "o space left on device" in disk.refused("factory", *command), command
        assert states(disk) == before and not disk.scratch(), command
    fill(disk.folder.parent, 120_000)  # the delivery has room, DVC's copy of it has not
    assert "o space left on device" in disk.refused("factory", "ingest", "../new.parquet")
    assert states(disk) == before
    (disk.folder.parent / "filler").unlink()
    disk.done("factory", "ingest", "../new.parquet")


def test_disk_that_cannot_be_written(disk, states):
    deliver(disk, "../new.parquet")
    before = states(disk)
    subprocess.run(["mount", "-o", "remount,ro", disk.folder.parents[1]], check=True)
    for command in COMMANDS:
        assert "Read-only file system" in disk.refused("factory", *command)
    code, _, err = disk.run("dvc", "repro", "--force")
    assert code and "Read-only file system" in err and "Traceback" not in err
    assert states(disk) == before


# Deliveries


def deliver(project: Project, file: str, mark: str = "new", times: int = 1) -> Path:
    """A file with April's flights under other ids."""
    change = (
        f"import polars as pl; rows = pl.read_parquet('{APRIL}').with_columns(pl.col('flight').str.replace('-2013', '-{mark}')); "
        f"pl.concat([rows] * {times}).write_parquet('{file}')"
    )
    project.done("python", "-c", change)
    return project.folder / file


def test_killed_ingest(work):
    before = work.raw()
    for turn in range(-(-ROUNDS * 2 // 3)):
        name, known = f"new-{turn}.parquet", work.ledger()
        deliver(work, f"../{name}", str(turn))
        process, group = work.start("factory", "ingest", f"../{name}"), RANDOM.random() < 0.5
        time.sleep(RANDOM.uniform(0.3, 3.5))
        if process.poll() is None:
            (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
        process.communicate()
        assert wait(lambda: not work.running(), 60), "DVC does not end by itself"
        unlock(work)
        assert work.ledger() in (known, [*known, name])
        if work.ledger() == known:
            work.done("factory", "ingest", f"../{name}")
        else:
            assert "is an earlier delivery" in work.refused("factory", "ingest", f"../{name}")
        assert work.ledger() == [*known, name]
        assert not work.scratch()
    assert {name: work.raw()[name] for name in before} == before
    work.done("factory", "prepare")


@pytest.mark.parametrize("how", ["TERM", "INT"])
def test_ended_ingest(work, states, how):
    """The signal reaches this process alone, as from a scheduler: what it has started ends with it."""
    deliver(work, "../new.parquet")
    before, ledger = states(work), work.ledger()
    for begun in (lambda: (work.folder / ".dvc/tmp/ingest").exists(), lambda: work.running("dvc\0add")):
        process = work.start("factory", "ingest", "../new.parquet")
        assert wait(begun, 60)
        process.send_signal(getattr(signal, f"SIG{how}"))
        err = process.communicate(timeout=60)[1]
        assert err == f"Error: ingest: interrupted by SIG{how}; what was there is unchanged: run it again\n"
        assert (process.returncode, states(work), work.ledger()) == (1, before, ledger)
        assert not work.running() and not work.scratch()
    work.done("factory", "ingest", "../new.parquet")


def test_two_ingests_at_once(work):
    known = work.ledger()
    names = ["../a.parquet", "../a.parquet", "../b.parquet"]
    for name in set(names):
        deliver(work, name, name[-9])
    both = [work.start("factory", "ingest", name) for name in names]
    output = [process.communicate(timeout=180)[1] for process in both]  # one after the other
    assert sorted(process.returncode for process in both) == [0, 0, 1], output
    assert sum("is an earlier delivery" in err for err in output) == 1, output
    assert sorted(work.ledger()) == sorted([*known, "a.parquet", "b.parquet"])
    work.done("factory", "prepare")


# Adoptions


ADOPT = ("factory", "adopt", "--target", "left", "--yes")


@pytest.fixture
def table(work) -> Path:
    people = "".join(f"C{n},{20 + n * 7 % 60},{'abc'[n % 3]},{'yes' if n * 13 % 31 < 12 else 'no'}\n" for n in range(600))
    (work.folder.parent / "people.csv").write_text(f"customer,age,plan,left\n{people}")
    return work.folder.parent / "people.csv"


def test_ended_adoption(work, states, table):
    before = states(work)
    for running in ("factory\0ingest", "workspace.repro", "factory\0train"):
        process = work.start(*ADOPT, str(table), PYTHONPATH=f"{work.folder}/src")
        assert wait(lambda: work.running(running) or process.poll() is not None, 90)  # noqa: B023
        process.terminate()
        err = process.communicate(timeout=90)[1]
        assert process.returncode == 1, err
        assert "Error: adopt: interrupted by SIGTERM; what was there is unchanged: run it again" in err.splitlines()
        assert states(work) == before and git(work.folder, "status", "--porcelain") == "", running
        # a stage that was about to start only looks for DVC when it has imported all it needs
        assert wait(lambda: not work.running(), 60) and not work.scratch()
    work.done("factory", "prepare")


def test_adoption_on_a_full_disk(disk, states, table):
    before = states(disk)
    fill(disk.folder.parent, 0)
    code, _, err = disk.run(*ADOPT, str(table), PYTHONPATH=f"{disk.folder}/src")
    assert code == 1 and "Traceback" not in err, err
    assert "o space left on device" in err and err.splitlines()[-1].startswith("Error: "), err
    assert states(disk) == before and not disk.scratch()
    assert not (disk.folder / ".dvc/tmp/adopt").exists()
    (disk.folder.parent / "filler").unlink()
    assert git(disk.folder, "status", "--porcelain") == ""
    disk.done("factory", "prepare")


def test_table_that_grows_while_it_is_adopted(work, states, table):
    before = states(work)
    process = work.start(*ADOPT, str(table), PYTHONPATH=f"{work.folder}/src")
    assert wait(lambda: work.running("factory\0ingest") or process.poll() is not None, 90)
    with table.open("a") as file:
        file.write("C600,30,a,yes\n")
    err = process.communicate(timeout=90)[1]
    assert process.returncode == 1 and "people.csv: changed while it was read: " in err.splitlines()[-1], err
    assert states(work) == before and git(work.folder, "status", "--porcelain") == ""


# The setup


def works(project: Project) -> None:
    """Whether the setup is through."""
    assert git(project.folder, "rev-list", "--count", "HEAD") == "1"
    assert git(project.folder, "status", "--porcelain") == ""
    assert Path(git(project.folder, "rev-parse", "--show-toplevel")) == project.folder
    assert len(project.ledger()) == len(project.raw()) == 4
    assert len(list((project.folder / "data/raw").glob("*.dvc"))) == 4
    assert (project.folder / ".git/hooks/pre-commit").exists()
    project.done("dvc", "status")


def test_killed_setup(bare, tmp_path):
    for turn in range(-(-ROUNDS // 3)):
        project = Project(beside(bare, tmp_path / f"{turn}"), bare.bin)
        process = project.start("factory", "setup")
        time.sleep(RANDOM.uniform(0.3, 4.5))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        unlock(project)
        project.done("factory", "setup")
        works(project)


def test_setup_without_identity(bare, tmp_path):
    (tmp_path / "config").write_text("[user]\n\tuseConfigOnly = true\n")
    nobody = {name: None for name in os.environ if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER", "EMAIL"))}
    output = bare.refused("factory", "setup", **nobody, GIT_CONFIG_GLOBAL=str(tmp_path / "config"))
    assert output.startswith("Git does not know who you are: git config")
    assert not (bare.folder / ".git").exists() and not bare.ledger()


def test_setup_in_odd_surroundings(bare, tmp_path):
    """Half a repository inside of another one, and commits that cannot be signed: the project gets its own, theirs is left alone."""
    (bare.folder.parent / "theirs").write_text("theirs")
    git(bare.folder.parent, "init", "--quiet")
    git(bare.folder.parent, "add", "theirs")
    git(bare.folder.parent, "commit", "--quiet", "--message", "theirs")
    (bare.folder / ".git").mkdir()
    (tmp_path / "config").write_text("[commit]\n\tgpgsign = true\n[gpg]\n\tprogram = /nowhere/gpg\n")
    bare.done("factory", "setup", GIT_CONFIG_GLOBAL=str(tmp_path / "config"))
    assert git(bare.folder, "log", "--format=%G?") == "N"
    works(bare)
    assert git(bare.folder.parent, "ls-files") == "theirs"


# Scoring


@pytest.mark.parametrize("how", ["KILL", "TERM", "INT"])
def test_killed_score(work, how):
    scores = work.folder / "scores.parquet"
    scores.write_text("earlier scores")
    deliver(work, "../many.parquet", times=900)
    process = work.start("factory", "score", "../many.parquet", "scores.parquet")
    assert wait(work.scratch, 60)
    time.sleep(RANDOM.uniform(0, 0.5))
    process.send_signal(getattr(signal, f"SIG{how}"))
    err = process.communicate(timeout=60)[1]
    assert process.returncode != 0
    assert scores.read_text() == "earlier scores"
    left = work.scratch()
    assert how == "KILL" or not left
    if how != "KILL":
        assert err == f"Error: score: interrupted by SIG{how}; what was there is unchanged: run it again\n"
    assert git(work.folder, "status", "--porcelain") == ""
    for path in left:
        os.utime(path, (0, 0))
    work.done("factory", "score", APRIL, "scores.parquet")
    assert scores.read_bytes()[:4] == b"PAR1" and not work.scratch()
