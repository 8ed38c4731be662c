"""Archives as people send them: the table in them is read, and nothing without a limit."""

import gzip
import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory import errors, tables
from late_flights.factory.tables import compressed

CSV = b"a,b\n1,x\n2,y\n"
ROWS = [("1", "x"), ("2", "y")]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


INNER = zipped({"in/rows.csv": CSV})
BESIDE = {"README.txt": b"read me", "__MACOSX/._rows.csv": b"\0", ".DS_Store": b"\0", "in/": b""}
READ = {
    "a zip in a zip": zipped({"inner.zip": INNER}),
    "a gz in a zip": zipped({"rows.csv.gz": gzip.compress(CSV)}),
    "a gz in a zip in a zip": zipped({"inner.zip": zipped({"rows.csv.gz": gzip.compress(CSV)})}),
    "a table beside what is none": zipped({**BESIDE, "in/rows.csv": CSV}),
    "a hidden table alone": zipped({"_rows.csv": CSV}),
}


def refused(content: bytes, name: str = "a.zip") -> str:
    Path(name).write_bytes(content)
    with pytest.raises(errors.FactoryError) as error:
        tables.read(Path(name))
    assert str(error.value).startswith(f"{name}: ") and "\n" not in str(error.value)
    assert not [*Path("temporary").iterdir()]
    return str(error.value).removeprefix(f"{name}: ")


@pytest.mark.parametrize("content", READ.values(), ids=READ)
def test_only_table_is_read(content):
    Path("a.zip").write_bytes(content)
    assert tables.read(Path("a.zip")).rows() == ROWS


def test_what_is_packed_again_and_again_is_refused():
    content = INNER
    for _ in range(compressed.DEEPEST):
        content = zipped({"inner.zip": content})
    assert refused(content) == "packed more than 3 times: unpack it first"


def test_name_outside_the_archive_is_refused():
    for name in ("../rows.csv", "/rows.csv", "in/../../rows.csv", "..\\rows.csv", "C:/rows.csv", "c:rows.csv", "C:\\rows.csv"):
        assert refused(zipped({name: CSV})) == f"contains {name.replace(chr(92), '/')}: unpack it first"
    twice = zipped({"rows.csv": CSV, "Rows.csv": CSV}).replace(b"Rows.csv", b"rows.csv")
    assert refused(twice) == "contains rows.csv twice: unpack it first"


def test_links_of_an_archive_are_none_of_its_files():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        (link := tarfile.TarInfo("rows.csv")).type = tarfile.SYMTYPE
        link.linkname = str(Path("secret.csv").absolute())
        archive.addfile(link)
    Path("secret.csv").write_bytes(CSV)
    assert refused(file.getvalue(), "a.tar") == "contains no file: unsupported file type"


BOMB = b"a,b\n" + b"1,x\n" * (1 << 20)
BOMBS = {
    "a.csv.gz": gzip.compress(BOMB),
    "a.zip": zipped({"rows.csv": BOMB}),
    "nested.zip": zipped({"inner.zip": zipped({"rows.csv": BOMB})}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_left_packed(monkeypatch, name):
    Path(name).write_bytes(BOMBS[name])
    assert tables.count(Path(name)) == 1 << 20, "which is small"
    monkeypatch.setattr(compressed, "SMALL", 1 << 20)
    size = max(1 << 20, compressed.RATIO * len(BOMBS[name])) / 1e9
    assert refused(BOMBS[name], name) == f"unpacks to more than {size:.2g} GB, 200 times its size: unpack it first"


def test_disk_is_not_filled(monkeypatch):
    free = compressed.shutil.disk_usage(".").free
    monkeypatch.setattr(compressed, "KEPT_FREE", free)
    assert "unpacks to more than the " in (message := refused(INNER)) and message.endswith(f"free in {tempfile.tempdir}")


def test_tables_of_an_archive_are_unpacked(monkeypatch):
    Path("out").mkdir()
    Path("a.zip").write_bytes(zipped({**BESIDE, "2023/a.csv": CSV, "2024/a.csv": CSV}))
    assert compressed.unpack_all(Path("a.zip"), Path("out"), tables.SUFFIXES) == ["2023/a.csv", "2024/a.csv"]
    assert pl.read_csv("out/2024/a.csv").height == 2 and {each.name for each in Path("out").iterdir()} == {"2023", "2024"}
    Path("a.zip").write_bytes(INNER)
    assert compressed.unpack_all(Path("a.zip"), Path("out"), tables.SUFFIXES) == [], "it is read as it is"
    Path("b.zip").write_bytes(zipped({"a.csv": BOMB, "b.csv": BOMB}))
    monkeypatch.setattr(compressed, "SMALL", len(BOMB) + 9)
    monkeypatch.setattr(compressed, "RATIO", 1)
    with pytest.raises(errors.FactoryError, match="unpacks to more than"):
        compressed.unpack_all(Path("b.zip"), Path("out"), tables.SUFFIXES)


@pytest.mark.parametrize("end", [".zip", ".tar", ".tar.xz", ".tgz", ".csv.gz", ".csv.bz2", ".csv.xz"])
def test_rows_are_taken_out_of_each_kind(end):
    Path("plain.csv").write_bytes(CSV)
    compressed.pack(Path("plain.csv"), "rows.csv", Path(f"a{end}"))
    Path("new").mkdir()
    tables.copy_without(Path(f"a{end}"), pl.Series([True, False]), Path(f"new/a{end}"))
    assert tables.read(Path(f"new/a{end}")).rows() == ROWS[1:]
