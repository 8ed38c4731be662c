"""The union of a project's changes and a release's, for any kind of file: nothing of either is lost, or there is none."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from late_flights.factory.update.union import merge
from ruamel.yaml import YAML

KEYS = ["alpha", "beta", "gamma", "délta", "name"]
VALUES = ["1", "true", '"ü # no comment"', '"plain"', "[]", '["one"]', '["one", "two"]', '["two", "one", "three"]']
IGNORED = ["*.log", "!keep.log", "# a comment", "/build/", "données/"]
FILES = ["pyproject.toml", "compose.yaml", ".gitignore"]


def toml(tables):
    parts = []
    for table, keys in tables.items():
        lines = [f'{comment(table, key, value)}\n"{key}" = {value}' for key, value in keys.items()]
        parts.append(f"[{table}]\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def yaml(tables):
    parts = []
    for table, keys in tables.items():
        lines = [f"  {comment(table, key, value)}\n  {key}: {value} # beside" for key, value in keys.items()]
        parts.append(f"{table}:\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def comment(table, key, value):
    return f"# {table} {key}" if value == "1" else ""


def keys():
    return st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), min_size=1, max_size=4)


TABLES = st.dictionaries(st.sampled_from(["first", "second", "third"]), keys(), min_size=1, max_size=3)
LINES = st.lists(st.sampled_from(IGNORED), min_size=1, max_size=5, unique=True)
LINES = st.tuples(LINES, st.sampled_from(["\n", "\n\n"])).map(lambda drawn: drawn[1].join(drawn[0]) + "\n")
TEXTS = {"pyproject.toml": TABLES.map(toml), "compose.yaml": TABLES.map(yaml), ".gitignore": LINES}
KINDS = st.sampled_from(FILES)


def values(path, text):
    """What a file says, each with its place."""
    found = tomllib.loads(text) if path.endswith("toml") else YAML(typ="safe").load(text)
    for table, inner in (found or {}).items():
        for key, value in inner.items():
            yield from ((table, key, str(item)) for item in (value if isinstance(value, list) else [value]))


@pytest.mark.parametrize("path", FILES)
@settings(deadline=None)
@given(data=st.data())
def test_what_one_side_alone_changed_is_the_union(path, data):
    text, changed = data.draw(TEXTS[path]), data.draw(TEXTS[path])
    assert merge(path, text, text, changed).text == changed
    assert merge(path, text, changed, text).text == changed
    assert merge(path, text, changed, changed).text == changed


@pytest.mark.parametrize("path", FILES[:2])
@settings(deadline=None)
@given(data=st.data())
def test_the_union_parses_and_has_the_additions_of_both_sides_or_there_is_none(path, data):
    base, ours, theirs = (data.draw(TEXTS[path]) for _ in range(3))
    if merged := merge(path, base, ours, theirs):
        before, *sides = (set(values(path, text)) for text in (base, ours, theirs))
        result = set(values(path, merged.text))
        told = " ".join(merged.notes)
        for side in sides:
            assert all(fact in result or fact[1] in told or fact[0] in told for fact in side - before)
        assert result <= set().union(*sides)
        assert comments(ours) - comments(base) <= comments(merged.text)


def comments(text):
    return {line.strip() for line in text.splitlines() if line.lstrip().startswith("#")}


@settings(deadline=None)
@given(base=LINES, ours=LINES, theirs=LINES)
def test_a_union_of_lines_has_what_both_sides_added_and_not_what_one_removed(base, ours, theirs):
    merged = merge(".gitignore", base, ours, theirs)
    before, one, other, result = (set(text.split("\n")) - {""} for text in (base, ours, theirs, merged.text))
    assert result == (one | other) - (before - one) - (before - other)


def edited(data, tables):
    """The tables with a few changes by chance."""
    changed = {table: dict(inner) for table, inner in tables.items()}
    for _ in range(data.draw(st.integers(0, 3))):
        table, key = data.draw(st.sampled_from(sorted(changed))), data.draw(st.sampled_from(KEYS))
        changed[table][key] = data.draw(st.sampled_from(VALUES))
    return changed


@pytest.mark.parametrize(("path", "write"), [("a.toml", toml), ("a.yaml", yaml)])
@settings(deadline=None)
@given(data=st.data())
def test_changes_of_different_keys_never_contradict_each_other(path, write, data):
    tables = data.draw(TABLES)
    ours, theirs = edited(data, tables), edited(data, tables)
    for table, inner in tables.items():
        for key in {*ours[table], *theirs[table]}:
            if ours[table].get(key) != inner.get(key) and theirs[table].get(key) != inner.get(key):
                theirs[table].pop(key) if key not in inner else theirs[table].update({key: inner[key]})
    wanted = {
        table: ours[table] | {key: value for key, value in theirs[table].items() if value != inner.get(key)}
        for table, inner in tables.items()
    }
    merged = merge(path, write(tables), write(ours), write(theirs))
    assert set(values(path, merged.text)) == set(values(path, write(wanted)))
    assert not merged.notes


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n"])
def test_mark_and_line_ends_of_the_project_stay(path, mark, end, last):
    text = {".gitignore": "données\n{}x\n", "pyproject.toml": '"é" = 1\n{}x = 1\n', "compose.yaml": "é: 1\n{}x: 1\n"}[path]
    ours = mark + text.format("").replace("x", "y").rstrip("\n").replace("\n", end) + (end if last else "")
    merged = merge(path, text.format(""), ours, text.format("") + text.format("").split("\n")[1].replace("x", "z") + "\n")
    assert merged.text.startswith(mark + text[0])
    assert merged.text.count("\n") == merged.text.count(end)
    assert merged.text.endswith("\n") == bool(last)
    assert "y" in merged.text and "z" in merged.text


@pytest.mark.parametrize("path", ["Dockerfile", "README.md", "src/late_flights/model.py", "uv.lock", "dvc.lock", "renovate.json"])
def test_other_kinds_of_files_have_no_union(path):
    assert merge(path, "a\n", "a\nb\n", "a\nc\n") is None


@pytest.mark.parametrize("path", FILES[:2])
@pytest.mark.parametrize("wrong", ["<<<<<<< ours\n", "a = [1\n", "a: [1\nb: 2\n", "a: 1\na: 2\n- 3\n"])
def test_a_text_that_does_not_parse_has_no_union(path, wrong):
    text = "a = 1\n" if path.endswith("toml") else "a: 1\n"
    assert merge(path, text, wrong, text + text.replace("a", "b")) is None
