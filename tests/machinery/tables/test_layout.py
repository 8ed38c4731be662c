"""What people and tools write around a table: it is read without it, and lines keep the numbers they have in the file."""

import gzip

import polars as pl
import pytest
from late_flights.factory import errors, tables
from late_flights.factory.tables import layout

ROWS = [("north", "1", "2.50"), ("south", None, "3.25"), ("north", "4", "5.00")]
HEADER = "region,units,price\n"
BODY = "north,1,2.50\nsouth,,3.25\nnorth,4,5.00\n"
TEXT = HEADER + BODY
SEMICOLONS = TEXT.replace(",", ";")

AROUND = {
    "title": "Sales by region\n" + TEXT,
    "title with a comma, blank line": "Sales, by region\n\n" + TEXT,
    "title as wide as the table": "Sales report,,\n,,\n" + TEXT,
    "title of another delimiter": "Sales report\n" + SEMICOLONS,
    "lines of key and value": "Report:;Sales\nDate:;2024-01-31\n\n" + SEMICOLONS,
    "blank lines": "\n  \n" + TEXT,
    "comments": "# by instrument 7, 2024-01-31, 12:00\n#\n" + TEXT,
    "comments further down": "# made by x\n" + HEADER + "north,1,2.50\n# calibrated\nsouth,,3.25\nnorth,4,5.00\n# the end\n",
    "sep": "sep=;\n" + SEMICOLONS,
    "sep in quotes": '"sep=;"\r\n' + SEMICOLONS.replace("\n", "\r\n"),
    "sep that no header has": "sep=^\n" + TEXT.replace(",", "^"),
    "returns": TEXT.replace("\n", "\r"),
    "returns and a title": "Sales\r\r" + TEXT.replace("\n", "\r"),
    "blank lines at the end": TEXT + "\n \n",
    "no last newline, and a value like others": TEXT.replace("5.00\n", "2.50"),
    "no last newline, and as many decimals": TEXT[:-1],
    "no last newline, but a quote": TEXT[:-5] + '"5.00"',
}


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("text", AROUND.values(), ids=AROUND)
def test_table_is_read_without_what_is_around_it(tmp_path, text, bom):
    path = tmp_path / "a.csv"
    path.write_bytes((bom + text).encode())
    rows = tables.read(path)
    assert rows.columns == ["region", "units", "price"]
    assert [row[:2] for row in rows.rows()] == [row[:2] for row in ROWS]
    assert tables.read(path, checked=True).equals(rows)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("around", ["", "Große Übersicht\n"])
def test_encoding_with_a_mark_is_read(tmp_path, encoding, around, caplog):
    path = tmp_path / "a.csv"
    text = around + TEXT.replace("north", "Nørth €")
    path.write_bytes((text if encoding in ("utf-16", "utf-32", "utf-8-sig") else "\ufeff" + text).encode(encoding))
    assert tables.read(path)["region"].to_list() == ["Nørth €", "south", "Nørth €"]
    assert ("read as UTF-" in caplog.text) == (encoding != "utf-8-sig")
    assert ("the header is line 2;" in caplog.text) == bool(around)
    caplog.clear()
    tables.read(path, checked=True)
    assert not caplog.messages


def test_also_in_a_compressed_file(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(AROUND["lines of key and value"].encode("utf-16")))
    assert tables.read(tmp_path / "a.csv.gz").rows() == ROWS


REFUSED = {
    "short line below a title": ("Sales\n\n" + HEADER + "north,1\n" + BODY, "line 4 has 2 fields, the header has 3"),
    "short line below a comment": ("# x\n" + HEADER + "# y\nnorth,1\n" + BODY, "line 4 has 2 fields"),
    "comment like a row": ("# x\n" + TEXT + "#north,1,2\n", "line 6 is like a comment and like a row"),
    "returns, a short line": (TEXT.replace("\n", "\r") + "north\r", "line 5 has 1 fields"),
    "comment without others above": (TEXT + "# the end\n", "line 5 has 1 fields"),
    "note at the end": (TEXT + "Source: all\n", "line 5 has 1 fields"),
    "blank line between rows": (TEXT + "\n" + BODY + "\n", "line 5 has 0 fields"),
    "half a header": ("region,units\n" + BODY, "line 2 has 3 fields, the header has 2"),
    "numbers below a title": ("Sales\n1,2,3\n4,5,6\n", "line 2 has 3 fields, the header has 1"),
    "cut number": (TEXT[:-2], "the last line has no newline"),
    "cut text": ("a,b\n1,no\n2,none\n3,no", "the last line has no newline"),
    "cut whole number": ("a,b\n1,10\n2,105\n3,10", "the last line has no newline"),
    "cut before the last field": (TEXT + "north,1,", "the last line has no newline"),
    "cut in a quote": (TEXT + 'north,1,"2', "the last line has no newline|unexpected end of data"),
}


@pytest.mark.parametrize("text, message", REFUSED.values(), ids=REFUSED)
def test_what_is_damaged_is_refused_with_its_line_in_the_file(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(errors.FactoryError, match=message) as refusal:
        tables.read(path)
    assert str(refusal.value).startswith(f"{path}: ") and "\n" not in str(refusal.value)


AS_BEFORE = {
    "a comment as the header": "#tag,n\n#a,1\nb,2\nc,3\n",
    "numbers as names": "2019,2020\n1,2\n3,4\n",
    "returns within quotes": 'a,b\n"x\ry",1\n',
    "hash within quotes": 'a,b\n"x\n# y",1\n',
    "rows of nothing": "a,b\n,\n,\n",
    "one column": "a\n1\n2\n",
    "one column of texts with delimiters": "comment\nhello; world\nyes; no\nnow;then\n",
    "one column of words with delimiters": "tags\na|b\nc|d\ne|f\n",
    "one column with a long name": "what you think\nhello; world\nyes; no\nwell; all right\n",
}


@pytest.mark.parametrize("text", AS_BEFORE.values(), ids=AS_BEFORE)
def test_a_file_that_is_a_table_throughout_is_left_as_it_is(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text, "utf-8", newline="")
    with path.open("rb") as file:
        assert layout.find(file).is_plain
    assert tables.read(path).equals(pl.read_csv(path, infer_schema=False))


def test_rows_can_be_taken_out(tmp_path):
    (tmp_path / "a.csv").write_bytes(AROUND["title"].encode("utf-16"))
    tables.copy_without(tmp_path / "a.csv", pl.Series([False, True, False]), tmp_path / "b.csv")
    assert tables.read(tmp_path / "b.csv").rows() == [ROWS[0], ROWS[2]]
