"""The formats that people have: each is read as the same rows, or refused in one line."""

import base64
import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
import zlib
from itertools import permutations
from pathlib import Path

import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import errors, tables
from late_flights.factory.tables import compressed

from machinery.tables import excel_files

ROWS = pl.DataFrame({"word": ["a", None, "ä"], "whole": [1, 2, None], "part": [1.5, None, -2.0]})
TEXT = ROWS.write_csv().encode()
LINES = ROWS.write_ndjson().encode()
STREAMS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
XLS = """
eNrtWE1oU0EQ/vblP7RpUlOhFUooGLX2Urx4aZ8K2pOl6kFRQdPmQaUhKY9A0YNWa46C4EnxUujFS9WLP6igN0GhogdBEBL15klQEGnznJm8Z1PNIQEtKvs9
dnZ2dmd23u7svJ8XS4ny/O2eCn7CMHyoOhEE62SKSsRrxEH9jsOsV4epOBr/FCJh2shgAA/an4d4D3m/KzBwy/+EKPCOynFMY7SQt1LriD3iQ0axD0NEFa6T
JIZu8apT6ITQDUJvysiHQneJ5JLQIRpbVkexZI7273Sj+IjRJ30xsN27ovNGJIPowlOO4nOXVW1sALvtU5nc39nR62/DAmjfRqy8ZWdyZSRpAxfwxUkBn72T
+jil5esrVyD517XyUAP5FcMPzMI5KQFeooB85qsdwkOTllUcXEaathpSaORMwc4SOzNZyFnUnM7YRYqHDJUPUU7NcpTja45yu4R4G9EsOoRPSKDHKVkv3/j0
cv/4mHlCJLOSvmtJfjP7BQfnWYOUY9LjF8oO9ovGdqEXxOom4XuEJslfqtNjXS6zb07GXJTeNM2zQ/DK3FLHbyW+9PHAvd7Se3Mb8YsjlTPJxdfmPProoZMl
fb7mMKAG1LWrjPumVys3IbwV2v1Lcggbcdd3x32SdWAFUWETQmstXh31o2W4a8XaqoG2Em1ej0c0vxLtoMiOGazNeobYWdU7a0TdXYi6ln0NLPvECq83j/eJ
J98oWQ8bnbjDJinFrSIKDQ0NDQ0NDQ0NjSah5AW19lrvdz81+CU25P7XWaFS1b9J/lscRIGuIn2Y7kWeahunW4qfjQgoz5ZqUsf7X8g4TLPbmMK4+DHVcvzS
h5+qv5+mFeO/7wi1On+1FT//8PzfATtezRo=
"""  # compressed; xlwt wrote it


def zipped(**members: bytes) -> bytes:
    path = Path("made.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("rows__", "rows."), content)
    return path.read_bytes()


def tarred(**members: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members.items():
            (entry := tarfile.TarInfo(name)).size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def contents():
    """A file of each kind."""
    ROWS.write_parquet("made.parquet")
    sheet = excel_files.workbook([ROWS.columns, *ROWS.rows()])
    files = {
        ".csv": TEXT,
        ".tsv": ROWS.write_csv(separator="\t").encode(),
        ".jsonl": LINES,
        ".ndjson": LINES + b"\n",
        ".parquet": Path("made.parquet").read_bytes(),
        ".xlsx": sheet,
        ".xlsm": sheet,
        ".xls": zlib.decompress(base64.b64decode(XLS)),
        ".ods": excel_files.open_document([ROWS.columns, *ROWS.rows()]),
        ".zip": zipped(rows__xlsx=sheet, **{"__MACOSX/x": b""}),
        ".tar": tarred(**{"./in/rows.csv": TEXT, "in/._rows.csv": b"\0"}),
    }
    texts = {f"{kind}{end}": pack(files[kind]) for end, pack in STREAMS.items() for kind in tables.TEXT}
    tars = {f".tar{end}": pack(files[".tar"]) for end, pack in STREAMS.items()}
    return files | texts | tars | {short: tars[long] for short, long in compressed.SHORT.items()}


@pytest.mark.parametrize("kind", tables.SUFFIXES)
def test_every_kind_is_read(kind):
    path = Path(f"Ä rows.{kind}".replace("..", ".").upper())
    path.write_bytes(contents()[kind])
    assert tables.suffix(path) == kind and tables.count(path) == 3
    rows = tables.read(path)
    assert rows.columns == ROWS.columns and rows.cast(ROWS.schema).equals(ROWS)
    typed = kind.startswith((".jsonl", ".ndjson", ".parquet", ".xls", ".ods", ".zip"))
    assert rows.schema == (ROWS.schema if typed else dict.fromkeys(ROWS.columns, pl.String()))
    assert tables.scan(path, checked=True).collect().equals(rows)


@pytest.mark.parametrize("member", ["rows__csv", "rows__tsv", "rows__jsonl", "rows__parquet"])
def test_zip_may_hold_any_kind(member):
    Path("rows.zip").write_bytes(zipped(**{member: contents()[member.replace("rows__", ".")]}))
    assert tables.read(Path("rows.zip")).cast(ROWS.schema).equals(ROWS)


def line(**record: object) -> bytes:
    return json.dumps(record).encode() + b"\n"


def encrypted() -> bytes:
    content = bytearray(zipped(rows__csv=TEXT))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


REFUSED = {
    "truncated gz": ("a.csv.gz", lambda: gzip.compress(TEXT)[:-9], "damaged, or not a .gz file"),
    "no gz": ("a.csv.gz", lambda: TEXT, "damaged, or not a .gz file"),
    "lost field in gz": ("a.csv.gz", lambda: gzip.compress(b"a,b\n1\n"), "line 2 has 1 fields"),
    "truncated zip": ("a.zip", lambda: zipped(rows__csv=TEXT)[:-30], "damaged, or not a .zip file"),
    "encrypted zip": ("a.zip", encrypted, "encrypted: unpack it first"),
    "two in a zip": (
        "a.zip",
        lambda: zipped(rows__csv=TEXT, **{"more.jsonl": LINES}),
        "contains 2 tables: unpack it first, and name one",
    ),
    "another kind in a zip": ("a.zip", lambda: zipped(rows__doc=TEXT), "contains rows.doc: unsupported file type"),
    "truncated Excel": ("a.xlsx", lambda: excel_files.workbook([["a"], [1]])[:-30], "damaged, or not an Excel file"),
    "encrypted Excel": ("a.xlsx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encrypted, or damaged: save it as"),
    "Excel, no name": ("a.xlsx", lambda: excel_files.workbook([["a", None], [1, 2]]), "column 2 has no name"),
    "Excel, header only": ("a.xlsx", lambda: excel_files.workbook([["a", "b"]]), "no rows"),
    "Excel, nothing": ("a.xlsx", lambda: excel_files.workbook([]), "no header in the sheet Sheet1"),
    "truncated lines": ("a.jsonl", lambda: LINES[:-9], "line 3 is not JSON"),
    "no lines": ("a.jsonl", lambda: b'[\n{"a": 1}\n]\n', "line 1 is not JSON"),
    "array": ("a.jsonl", lambda: b'[{"a": 1}]\n', "line 1 is not an object"),
    "nested": ("a.jsonl", lambda: line(a=1) + line(a={"b": 1}), "line 2: a: nested value"),
    "name twice": ("a.jsonl", lambda: b'{"a": 1, "b": 2, "a": 3}\n', "line 1: duplicate column: a"),
    "NaN": ("a.jsonl", lambda: line(a=float("nan")), "NaN is not JSON: write null"),
    "UTF-16 lines": ("a.jsonl", lambda: LINES.decode().encode("utf-16"), "UTF-16, not UTF-8"),
    "empty lines": ("a.jsonl", lambda: b"", "no rows"),
}


@pytest.mark.parametrize("name, content, message", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_whole_is_refused(name, content, message):
    Path(name).write_bytes(content())
    with pytest.raises(errors.FactoryError) as error:
        tables.read(Path(name))
    assert str(error.value).startswith(f"{name}: ") and message in str(error.value)
    assert "\n" not in str(error.value)


def test_other_sheets_with_rows_are_spoken_of(caplog, monkeypatch):
    monkeypatch.delattr(contract, "SHEET", raising=False)
    Path("a.xlsx").write_bytes(excel_files.workbook([["a"], ["b"]], [], [["more"], [1]]))
    assert tables.read(Path("a.xlsx")).rows() == [("b",)]
    assert "a.xlsx: only the first sheet, Sheet1, is read, not Sheet3" in caplog.text


def test_column_of_numbers_and_texts_is_text():
    for values in permutations([1, "NA", 2.5]):
        Path("a.xlsx").write_bytes(excel_files.workbook([["a"], *([value] for value in values)]))
        Path("a.jsonl").write_bytes(b"".join(line(a=value) for value in values))
        for name in ("a.xlsx", "a.jsonl"):
            assert tables.read(Path(name))["a"].to_list() == [str(value) for value in values]
