"""Where an output of Spark is while it is written, on file systems that rename a folder at once and on those that do not."""

import shutil
from pathlib import Path

import pytest
from late_flights.factory.errors import FactoryError
from late_flights.factory.scoring.spark import output


class Local:
    """A place on this machine, in the stead of Hadoop's."""

    renames_at_once = True

    def __init__(self, _, name):
        self.path, self.name, self.last = Path(name), name, Path(name).name

    @property
    def exists(self):
        return self.path.exists()

    @property
    def url(self):
        return str(self.path.absolute())

    def beside(self, name):
        return str(self.path.parent / name)

    def rename(self, name):
        return bool(self.path.rename(name))

    def delete(self):
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.unlink(missing_ok=True)

    def touch(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()


class Rows:
    """A table that Spark writes, or fails to write."""

    def __init__(self, text, fails=False):
        self.text, self.fails = text, fails
        self.write = self

    def options(self, **_):
        return self

    def mode(self, mode):
        assert mode == "overwrite"
        return self

    def parquet(self, folder):
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        (place / "part.parquet").write_text(self.text)
        if self.fails:
            raise KeyboardInterrupt
        (place / output.DONE).touch()


@pytest.fixture(params=[True, False], ids=["renamed", "object store"], autouse=True)
def renamed(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Local, "renames_at_once", request.param)
    monkeypatch.setattr(output, "Place", Local)
    return request.param


def found():
    return {str(path): path.read_text() for path in Path().rglob("*") if path.is_file()}


def test_it_appears_with_its_name_when_it_is_complete(renamed):
    out = output.Output(None, "scores")
    out.write(Rows("a"))
    assert Path("scores").exists() != renamed
    out.publish()
    assert found() == {"scores/part.parquet": "a", "scores/_SUCCESS": ""}


def test_what_exists_is_refused_and_kept(renamed):
    Path("scores").mkdir()
    Path("scores/mine").touch()
    for identity in (None, "abc"):
        with pytest.raises(FactoryError, match="scores exists already: name a new folder"):
            output.Output(None, "scores", identity)
    assert found() == {"scores/mine": ""}


def test_what_has_come_meanwhile_is_not_replaced(renamed):
    out = output.Output(None, "scores")
    out.write(Rows("a"))
    if renamed:
        Path("scores").mkdir()
        with pytest.raises(FactoryError, match="exists already"):
            out.publish()
        assert not found().keys() & {"scores/part.parquet"}


@pytest.mark.parametrize("identity", [None, "abc"])
def test_two_outputs_appear_together_or_not_at_all(identity):
    outputs = [output.Output(None, name, identity) for name in ("bad", "scores")]
    for each in outputs:
        each.write(Rows("a"), "part" if identity else "")
    outputs[1].publish = lambda: Path("gone").read_text()
    with pytest.raises(FileNotFoundError):
        output.publish(outputs)
    for each in outputs:
        each.discard()
    if not identity:
        assert found() == {}
        return
    output.publish([output.Output(None, name, identity) for name in ("bad", "scores")])
    assert {path for path in found() if path.endswith("parquet")} == {
        f"{name}/_input=part/part.parquet" for name in ("bad", "scores")
    }


@pytest.mark.parametrize("rejects", ["scores", "scores/bad", "."])
def test_a_folder_within_the_other_is_refused(rejects):
    with pytest.raises(FactoryError, match="or in it: name another folder"):
        output.check_apart(None, rejects, "scores")
    output.check_apart(None, "scores-bad", "scores")


def test_a_failure_leaves_nothing():
    out = output.Output(None, "scores")
    with pytest.raises(KeyboardInterrupt):
        out.write(Rows("a", fails=True))
    out.discard()
    assert found() == {}


def interrupted():
    out = output.Output(None, "scores", "abc")
    out.write(Rows("a"), "a b")
    with pytest.raises(KeyboardInterrupt):
        out.write(Rows("half", fails=True), "c")
    out.discard()


def test_a_run_goes_on_behind_what_is_complete():
    interrupted()
    again = output.Output(None, "scores", "abc")
    again.write(Rows("another"), "a b")
    again.write(Rows("c"), "c")
    again.publish()
    parts = {path: text for path, text in found().items() if path.endswith("parquet")}
    assert parts == {"scores/_input=a%20b/part.parquet": "a", "scores/_input=c/part.parquet": "c"}
    assert Path("scores/_SUCCESS").exists() and not list(Path().rglob("_begun*"))
    with pytest.raises(FactoryError, match="exists already"):
        output.Output(None, "scores", "abc")


def test_a_run_of_other_rows_does_not_go_on(renamed):
    interrupted()
    before = found()
    if renamed:
        other = output.Output(None, "scores", "other")
        other.write(Rows("b"), "a b")
        other.publish()
        assert found()["scores/_input=a%20b/part.parquet"] == "b"
    else:
        with pytest.raises(FactoryError, match="exists already"):
            output.Output(None, "scores", "other")
        assert found() == before
