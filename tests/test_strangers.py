"""What strangers and people give to the hub and to waves: each line is read or refused, and none of it reaches a terminal as it is."""

import errno
import resource
import sys
from pathlib import Path

import pytest
from conftest import ROOT

sys.path[:0] = [str(ROOT / "hooks"), *map(str, (ROOT / "template/src").iterdir())]

import files
import origins
from factory.errors import FactoryError
from factory.status.releases import parse as release
from factory.update import preconditions
from inventory.gathering import explain
from pages.texts import line
from waves import record, standing
from waves.model import Entry, State

HEADER = "url,team,criticality"


def fleet(path: Path, text: str | bytes) -> tuple[origins.Origin, ...]:
    (path / "FLEET.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return origins.read(path / "FLEET.csv")


READ = {
    "by Excel": "\ufeffurl;team;criticality;;\r\n/a;x;low;;\r\n\r\n;;;;\r\n/b;y;HIGH;;\r\n",
    "quoted": '"url","team","criticality"\n"/a","a ""b"", c","low"\n/b,x,low\n',
    "after empty lines": f"\n\n{HEADER}\n/a,x,low\n/b,x,low\n",
    "of an old Macintosh": f"{HEADER}\r/a,x,low\r/b,x,low\r",
    "on servers that share a path": f"{HEADER},name\nssh://ann@h/a,x,low,a\nssh://bob@h/a,x,low,b\n",
    "on ports that are servers": f"{HEADER},name\nhttps://h:8443/a,x,low,a\nhttps://h:9443/a,x,low,b\n",
    "of people with numbers": f"{HEADER},name\ngit@h:100234/a,x,low,a\ngit@h:100235/a,x,low,b\n",
}


@pytest.mark.parametrize("text", READ.values(), ids=READ)
def test_a_list_of_projects_however_it_was_saved(tmp_path, text):
    assert [origin.name for origin in fleet(tmp_path, text)] == ["a", "b"]


REFUSED = {
    "one place by other words": (
        "https://H.example/a,x,low\nHTTPS://u@h.example:443/a.git,x,low",
        "line 3, url: is that of line 2",
    ),
    "one place by ssh": ("https://h.example/a,x,low\ngit@h.example:a.git,x,low", "line 3, url: is that of line 2"),
    "one folder": ("/srv/a,x,low\nfile:///srv/a/,x,low", "line 3, url: is that of line 2"),
    "an option": ("--upload-pack=x,x,low", "url: begins with -"),
    "what nobody sees": ("/a,x\u3164,low", "team: has characters that cannot be seen"),
    "what runs backwards": ("/a,\u202ex,low", "team: has characters that cannot be seen"),
    "a line within a line": ("/a,x\u2028x,low", "line 2, team: has characters that cannot be seen"),
    "a quote without end": ('/a,"x,low\n/b,y,low', "unexpected end of data"),
}


@pytest.mark.parametrize(("lines", "message"), REFUSED.values(), ids=REFUSED)
def test_a_line_that_cannot_be_meant_is_named(tmp_path, lines, message):
    with pytest.raises(FactoryError, match=message):
        fleet(tmp_path, f"{HEADER}\n{lines}\n")


def test_a_home_that_does_not_exist_is_a_folder_like_others(tmp_path):
    [origin] = fleet(tmp_path, f"{HEADER}\n~nobody-has-this-name/a,x,low\n")
    assert origin.url.endswith("/~nobody-has-this-name/a")


def test_a_name_is_one_whichever_way_its_letters_are_written(tmp_path):
    with pytest.raises(FactoryError, match="line 3, name: is that of line 2"):
        fleet(tmp_path, f"{HEADER},name\n/a,x,low,caf\u00e9\n/b,x,low,cafe\u0301\n")


def test_of_what_git_prints_the_cause_is_shown(tmp_path):
    [origin] = fleet(tmp_path, f"{HEADER}\n/a,x,low\n")
    printed = (
        "fatal: bad config line 1 in file config\nfatal: Could not read from remote repository.\n\nPlease make sure\nit exists."
    )
    assert explain(printed, origin).text == "fatal: bad config line 1 in file config"


def test_nothing_invisible_is_shown_and_no_marks_cover_other_lines():
    assert line("a\u3164\u2800\u200bb") == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"
    assert line("Z" + "\u0301" * 300 + "oe\u0308") == "Z" + "\u0301" * 4 + "oe\u0308"


def test_no_reason_steers_a_terminal():
    entry = Entry("key", "name", "address", "team", "low", 0)
    entry.settle(State.FAILED, "remote: \x1b[2J\u202eno\nhttps://me:word@h/x")
    assert entry.reason == "remote: [2J no https://h/x"


def test_a_full_disk_is_named_with_the_file_which_stays_as_it_was(tmp_path):
    path, limits = tmp_path / "index.html", resource.getrlimit(resource.RLIMIT_FSIZE)
    files.replace(path, "before")
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError) as error:
            files.replace(path, "x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.errno == errno.EFBIG and error.value.filename == str(path)
    assert path.read_text() == "before" and [*tmp_path.iterdir()] == [path]


def bomb(name: str, kind: str = "", key: str = "") -> str:
    """A text of a few lines that is thousands of millions of values with each alias written out."""
    lists = [
        f"{chr(98 + number)}: &{chr(98 + number)} {kind}[{', '.join([f'{key}*{chr(97 + number)}'] * 9)}]" for number in range(9)
    ]
    return "\n".join(["a: &a [x]", *lists, "_commit: 1.0.0", f"_src_path: {name}"])


@pytest.mark.parametrize("text", [bomb("t"), bomb("t", "!!pairs ", "k: "), "_commit: 1.0.0\n_src_path: t\nx: &x [*x]\n"])
def test_answers_that_grow_without_end_are_refused(text):
    with pytest.raises(FactoryError, match="holds more than 10,000 values"):
        preconditions.parse(text)
    assert preconditions.parse("_commit: 1.0.0\n_src_path: t\na: &a [x]\nb: *a\n")["b"] == ["x"]


@pytest.mark.parametrize("name", ["1234567", "12a4567", "0.3.0-5-g1234567"])
def test_a_commit_is_not_a_release_though_its_digits_could_be(name):
    assert release(name) is None and release("0.3.0") and (standing.version(name) is None) == ("-g" not in name)


ENTRY = """{"key": "k", "name": "n", "address": "a", "team": "t", "criticality": "low", "wave": WAVE, "state": "red", "at": AT}"""
DAMAGED = {
    "nested": "[" * 100_000,
    "of no wave": ENTRY.replace("WAVE", "7").replace("AT", "null"),
    "of no time": ENTRY.replace("WAVE", "1").replace("AT", '"yesterday"'),
    "of no zone": ENTRY.replace("WAVE", "1").replace("AT", '"2026-11-30T05:00:00"'),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_record_that_somebody_has_edited_is_refused(tmp_path, text):
    (tmp_path / "state.json").write_text(f'{{"format": 1, "release": "1.1.0", "entries": [{text}]}}')
    with pytest.raises(FactoryError, match=r"cannot be read: .*: delete it"):
        record.read(tmp_path / "state.json", "1.1.0")
