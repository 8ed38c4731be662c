"""Changes of a contract's source: where it is written so or so, and nothing else in it moves."""

import runpy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from late_flights.factory.data.contract_diff import patch

from machinery.data import contract_file
from machinery.data.contract_file import HEAD, SIZE

TOP = b"import dataframely as dy\nfrom datetime import UTC, datetime\nimport datetime as dt\n"


def edited(body, *changes, head=TOP, name="Row"):
    """The edited source of a contract, and the names that it then holds."""
    content = head + body.encode()
    Path("before.py").write_bytes(content)
    editor = patch.ContractEditor(content, runpy.run_path("before.py")[name])
    for change, *arguments in changes:
        getattr(editor, change)(*arguments)
    after = editor.result()
    Path("after.py").write_bytes(after)
    return after.removeprefix(head).decode(), runpy.run_path("after.py")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def row(*columns):
    return "class Row(dy.Schema):\n" + "".join(f"    {column}\n" for column in columns)


FORMS: list[tuple[str, list[Any], str | None]] = [
    ("a = dy.Int8()", [("nullable", "a")], "a = dy.Int8(nullable=True)"),
    ("a = dy.Int8(min=1)", [("nullable", "a")], "a = dy.Int8(nullable=True, min=1)"),
    ("a = dy.Int8(nullable=False)", [("nullable", "a")], "a = dy.Int8(nullable=True)"),
    ('a = dy.Enum(["x"])', [("nullable", "a")], 'a = dy.Enum(["x"], nullable=True)'),
    ('é = dy.Enum(["😀"]); b = dy.Int8()', [("nullable", "b")], 'é = dy.Enum(["😀"]); b = dy.Int8(nullable=True)'),
    ('a: dy.Enum = dy.Enum(categories=("x",))', [("categories", "a", ["y", "z"])], 'a: dy.Enum = dy.Enum(categories=("x", "y", "z",))'),
    ('a = dy.Enum(["x"])', [("categories", "a", ["y"]), ("categories", "a", ["y"])], 'a = dy.Enum(["x", "y"])'),
    ("a = dy.Int8(max=-5)", [("limit", "a", "max", 6), ("retype", "a", "Int16")], "a = dy.Int16(max=6)"),
    ('a = dy.Int8(alias="A b")', [("limit", "A b", "min", 6)], None),
    (
        "a = dy.Datetime(max=datetime(2020, 1, 1, tzinfo=UTC), time_zone='UTC')",
        [("limit", "a", "max", datetime(2030, 1, 1))],
        "a = dy.Datetime(max=datetime(2030, 1, 1, tzinfo=UTC), time_zone='UTC')",
    ),
    ("a = dy.Date(min=dt.date(2020, 1, 1))", [("limit", "a", "min", datetime(1990, 1, 1))], "a = dy.Date(min=dt.date(1990, 1, 1))"),
    ("a = dy.Int8(max=HIGH)", [("limit", "a", "max", 6)], None),
    ("a = dy.Int8(max=2 * 3)", [("limit", "a", "max", 9)], None),
    ("a = dy.Enum(list('ab'))", [("categories", "a", ["c"])], None),
    ("a = made()", [("nullable", "a")], None),
    ("a = dy.Int8(is_in=[1])", [("retype", "a", "Float64")], None),
]  # fmt: skip


@pytest.mark.parametrize("line, changes, wanted", FORMS, ids=[f"{line} {changes[0][0]}" for line, changes, _ in FORMS])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_form_is_changed_or_left_to_a_person(line, changes, wanted, end):
    head = (TOP + b"HIGH = 5\n\n\ndef made():\n    return dy.Int8()\n\n\n").replace(b"\n", end.encode())
    if wanted is None:
        with pytest.raises(patch.ManualEdit):
            edited(row(line).replace("\n", end), *changes, head=head)
    else:
        assert edited(row(line).replace("\n", end), *changes, head=head)[0] == row(wanted).replace("\n", end)


@pytest.mark.parametrize(
    "known", ["", "IGNORED = {}\n", 'IGNORED = {\n    "x": "old",\n}\n', 'IGNORED: dict[str, str] = {"x": "old"}']
)
def test_columns_are_ignored_with_their_reason(known):
    text, names = edited(row("a = dy.Int8()") + known, ("ignore", ["n 😀"], "new"), ("ignore", ["m"], 'in "m"'))
    expected = {"x": "old"} if "old" in known else {}
    assert names["IGNORED"] == expected | {"n 😀": "new", "m": 'in "m"'}
    assert text.count("IGNORED") == 1


def test_other_lines_stay_byte_for_byte():
    text, names = edited(
        HEAD + contract_file.ROWS,
        ("limit", "amount", "max", 600),
        ("categories", SIZE, ["b"]),
        head=b"",
        name="LabelledRow",
    )
    assert text == (HEAD + contract_file.ROWS).replace("max=100", "max=600").replace('"large",', '"large",\n    "b",')
    assert names["SIZES"] == ["små 😀", "large", "b"]


def test_last_line_without_an_end_is_marked():
    before, after = b"a = 1\nb = 2", b"a = 1\nb = 3"
    diff = patch.unified_diff(before, after, "contract.py")
    assert diff.count("\\ No newline at end of file\n") == 2 and "--- a/contract.py\n+++ b/contract.py\n" in diff
    assert patch.unified_diff(before, before, "contract.py") == ""


@pytest.mark.parametrize("text", ["plain", 'a "b"', "it's", "back\\slash", "new\nline", "\u2028", "\x7f", "😀", "'\""])
def test_text_is_quoted_as_python_reads_it(text):
    written = patch.quoted(text)
    assert eval(written) == text and written.isprintable()
