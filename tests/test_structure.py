"""The template stays small, plain and honest: budgets for its files, and what must not be in any of them."""

import ast
import re
import shutil
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
import yaml
from conftest import CONFIG, PARTS, ROOT, git

TEMPLATE = ROOT / "template"
SKIPPED = re.compile(r"__pycache__|/\.[a-z]+_cache/|\.(parquet|png|pyc)$")
FILES = sorted(file for file in TEMPLATE.rglob("*") if file.is_file() and not SKIPPED.search(file.as_posix()))
PYTHON = [file for file in FILES if re.search(r"\.py(\.jinja)?$", file.name)]
PLAIN_PYTHON = [file for file in PYTHON if file.suffix == ".py"]
TESTS = sorted((ROOT / "tests/machinery").rglob("*.py"))
JINJA = re.compile(r"\{\{|\{%|\{#")
CHOICE = """{{% include "includes/forecasting/{name}" if problem == "forecasting" else "{plain}" -%}}"""
FREE_TEXT = ["project_name", "description", "owner"]


def lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines()


def place(file: Path) -> str:
    return str(file.relative_to(TEMPLATE if file.is_relative_to(TEMPLATE) else ROOT))


def templated(file: Path) -> list[str]:
    return [line for line in lines(file) if JINJA.search(line)] if file.suffix == ".jinja" else []


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return function.end_lineno - function.lineno + 1


def test_jinja_is_at_most_two_percent():
    share = sum(len(templated(file)) for file in FILES) / sum(len(lines(file)) for file in FILES)
    assert share <= 0.02


def test_at_most_three_python_files_hold_jinja_beside_the_choice_of_another():
    found = {file.name: templated(file) for file in PYTHON if file.suffix == ".jinja" and lines(file)[1:]}
    assert found.keys() <= {"contract.py.jinja", "__init__.py.jinja", "modules.py.jinja"}
    choice, *others, end = found["contract.py.jinja"]
    assert "includes/forecasting/contract.py" in choice and end == "{% endif %}" and len(others) <= 1
    imports = found["__init__.py.jinja"] + found["modules.py.jinja"]
    assert [line for line in imports if not line.startswith("from {{ package }}")] == []


def test_a_python_file_of_one_line_chooses_by_the_problem():
    """The file of this name beside it, or for forecasts that of `includes/`, so that both stay plain Python."""
    for file in (file for file in PYTHON if file.suffix == ".jinja" and not lines(file)[1:]):
        plain = file.relative_to(ROOT).with_suffix("")
        assert templated(file) == [CHOICE.format(name=plain.name, plain=plain.as_posix())]
        chosen = (plain, f"includes/forecasting/{plain.name}")
        assert not any(JINJA.search(line) for choice in chosen for line in lines(ROOT / choice))


def test_no_path_is_conditional():
    parts = {part for file in FILES for part in file.relative_to(TEMPLATE).parts if JINJA.search(part)}
    shims = {part for part in parts if "yield shim" in part}  # of older projects alone
    assert parts - shims == {"{{ package }}", "{{ _copier_conf.answers_file }}.jinja"}


def test_what_git_and_searches_obey_is_asleep_in_the_template():
    assert not [place(file) for file in FILES if file.name in (".gitignore", ".gitattributes", ".ignore")]


@pytest.mark.parametrize("file", [*PYTHON, *TESTS], ids=place)
def test_modules_are_short(file):
    assert len(lines(file)) <= 300


def test_most_modules_and_functions_are_shorter():
    factory = [file for file in PLAIN_PYTHON if "src" in file.parts and "factory" in file.parts]
    assert median(len(lines(file)) for file in factory if len(lines(file)) > 1) <= 120
    assert median(length(function) for file in factory for function in functions(file)) <= 8


@pytest.mark.parametrize("file", PLAIN_PYTHON, ids=place)
def test_functions_are_short_and_do_something(file):
    for function in functions(file):
        assert length(function) <= 40, function.name
        *_, last = function.body
        assert not isinstance(last, ast.Pass), function.name
        assert not (isinstance(last, ast.Expr) and getattr(last.value, "value", None) is Ellipsis), function.name


def test_private_interfaces_are_used_in_modules_named_so():
    """For each of which tests/machinery/test_private_interfaces.py has a canary, and for Copier tests/test_copier_internals.py."""
    for file in (file for file in PLAIN_PYTHON if "factory" in file.parts and not file.stem.endswith("_internals")):
        attributes = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Attribute)]
        private = [
            node for node in attributes if re.match("_[a-z]", node.attr) and getattr(node.value, "id", "") not in ("self", "cls")
        ]
        assert {ast.unparse(node) for node in private} <= {"os._exit"}, file  # which is documented


@pytest.mark.parametrize("file", FILES, ids=place)
def test_nothing_is_left_to_fill_in(file):
    assert not re.findall(r"\b(?:TODO|FIXME|TBD|NotImplemented\w*|(?i:placeholder|lorem ipsum|stub))\b", file.read_text("utf-8"))


@pytest.mark.parametrize("file", [file for file in FILES if file.suffix == ".jinja"], ids=place)
def test_free_text_is_quoted_where_a_machine_reads_it(file):
    kind = Path(file.stem).suffix
    for expression in re.findall(r"\{\{(.*?)\}\}", file.read_text("utf-8"), re.DOTALL):
        if re.search(rf"\b({'|'.join(FREE_TEXT)})\b", re.sub(r"'[^']*'|\"[^\"]*\"", "", expression)):
            assert kind in (".toml", ".yaml", ".yml", ".json", ".md", ".html", ".txt"), "free text in a file that may be run"
            assert "to_json(ensure_ascii=False)" in expression or kind in (".md", ".html", ".txt"), expression


def test_free_text_is_what_has_no_choices():
    questions = {name for name, question in CONFIG.items() if name[0] != "_" and question.get("when", True)}
    assert set(FREE_TEXT) == {name for name in questions if "choices" not in CONFIG[name]} - {"storage_url"}


@pytest.mark.parametrize("part", [*PARTS, "docs", "noxfile.py", ".ci", ".github", "README.md"])
def test_no_address_of_a_machine_or_registry(part):
    where = ROOT / part
    for file in [where] if where.is_file() else where.rglob("*"):
        if file.is_file() and not SKIPPED.search(file.as_posix()):
            text = file.read_text("utf-8")
            assert not re.findall(r"(?<![\w.~}])/(?:home|Users|tmp|work)/\w+|[A-Z]:\\Users", text), file
            named = r"pypi\.org/simple|pythonhosted|(?:index-url|find-links)\W{1,5}(?:https?:|/)|registry\.npmjs|tool\.uv\.index"
            assert not re.findall(named, text), file


def test_marks_of_a_merge_are_refused_and_headings_are_not():
    [hook] = [
        hook
        for hook in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
        if hook["language"] == "pygrep"
    ]
    marks = ["<" * 7 + " HEAD", "|" * 7, ">" * 7 + " 1a2b3c (Some change)"]
    assert all(re.match(hook["entry"], mark) for mark in marks)
    assert not any(re.match(hook["entry"], line) for line in ("=" * 7, "<" * 8, ">" * 3 + " 1", "a " + "<" * 7 + " HEAD"))


def test_pages_that_are_named_exist():
    pages = {file.name.removesuffix(".jinja") for file in (TEMPLATE / "docs").iterdir()} | {"data-dictionary.md"}  # which is made
    for file in FILES:
        assert {*re.findall(r"(?<![\w/.-])docs/([\w-]+\.md)", file.read_text("utf-8"))} <= pages, file


def test_no_lock_is_shipped():
    assert not [place(file) for file in FILES if file.name in ("uv.lock", "dvc.lock", ".env")]


def test_sample_data_is_small():
    assert sum(file.stat().st_size for file in TEMPLATE.rglob("data/raw/*")) <= 1_000_000


def test_what_people_and_agents_read_is_short(render):
    project = render()
    limits = {ROOT / "README.md": 80, project / "README.md": 60, ROOT / "noxfile.py": 180}
    limits |= dict.fromkeys([project / "AGENTS.md", *project.glob("src/*/factory/AGENTS.md")], 40)
    assert not {file: len(lines(file)) for file, most in limits.items() if len(lines(file)) > most}


def test_the_templates_part_of_agents_md_is_included(render):
    project = render()
    [part] = [line.removeprefix("@") for line in lines(project / "AGENTS.md") if line.startswith("@")]
    assert (project / part).is_file() and lines(project / "CLAUDE.md") == ["@AGENTS.md"]


def test_reviews_fold_the_machinery_but_not_what_a_project_has_edited_there(render, tmp_path):
    shutil.copy(render() / ".gitattributes", tmp_path)
    git(tmp_path, "init", "--quiet")
    folded = ["src/x/factory/cli/main.py", "src/x/factory/MANIFEST", "tests/factory/toy.py"]
    for name in (*folded, "src/x/factory/PATCHES", "src/x/model.py"):
        attributes = git(tmp_path, "check-attr", "linguist-generated", "gitlab-generated", "--", name).splitlines()
        assert all(line.endswith(": set") == (name in folded) for line in attributes), attributes


def commands() -> dict[str, set[str]]:
    """The options of each `factory` command, read from its decorators; a group has those of its commands."""
    files = [file for file in PLAIN_PYTHON if file.parent.name == "cli"]
    found: dict[str, set[str]] = defaultdict(set)
    bodies = [node for file in files for node in ast.parse(file.read_text("utf-8")).body]
    shared = {node.targets[0].id: node.value for node in bodies if isinstance(node, ast.Assign)}
    for file in files:
        for function in functions(file):
            calls = [shared.get(getattr(call, "id", ""), call) for call in function.decorator_list]
            for command in (call for call in calls if getattr(getattr(call, "func", None), "attr", "") == "command"):
                group = command.func.value.id
                name = group if group != "main" else command.args[0].value if command.args else function.name.replace("_", "-")
                strings = [node.value for call in calls for node in ast.walk(call) if isinstance(node, ast.Constant)]
                found[name] |= {part for text in strings if str(text).startswith("-") for part in str(text).split("/")}
    return {name: options | {"--help"} for name, options in found.items()}


def test_the_layers_that_people_read_are_those_that_are_checked():
    contract, _ = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = [re.findall(r"\b[a-z]\w*", layer) for layer in contract["layers"]]
    drawn = re.search(r"^```\n(.*?)^```", (ROOT / "docs/structure.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert [re.findall(r"\w+", line) for line in drawn[1].splitlines()] == layers
    order = (TEMPLATE / "src/{{ package }}/factory/README.md").read_text("utf-8").partition("**Order**")[2]
    assert [re.findall(r"`(\w+)`", part) for part in order.split("→")] == layers


def code(file: Path) -> list[str]:
    """What a document shows as code; of other files, all lines."""
    text = file.read_text("utf-8")
    if file.suffix != ".md":
        return text.splitlines()
    fenced = re.findall(r"^```.*?$(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [*"\n".join(fenced).splitlines(), *re.findall(r"`([^`\n]+)`", text)]


def test_documented_commands_exist(render):
    known = commands()
    assert {"setup", "score", "train"} <= known.keys()
    for problem in ("classification", "regression", "forecasting"):
        project = render(problem=problem)
        kinds = {".md", ".yaml", ".yml", ".toml", ".html"}
        documents = [file for file in project.rglob("*") if file.suffix in kinds or file.name == "Dockerfile"]
        for document in [*documents, ROOT / "README.md", *ROOT.glob("docs/**/*.md")]:
            for line in code(document) if document.exists() else []:
                for command, rest in re.findall(r"(?<![\w./-])factory ([a-z][a-z-]*)([^|&;#`]*)", line):
                    assert command in known, f"{document}: {line}"
                    own = re.sub(r"\$\([^)]*\)", "", rest)  # without what other commands give
                    assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", own)) <= known[command], f"{document}: {line}"


def links(document: Path) -> set[tuple[Path, str]]:
    """The files of the repository to which it links, each with the anchor."""
    text = re.sub(r"^```.*?^```", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    starts = r"""(?:\]\(|\b(?:src|href)="|^\[[^]]+\]: +)<?"""
    found = re.findall(starts + r"""(?!https?:|mailto:)([^)">#\s]*)(?:#([^)">\s]*))?""", text, re.MULTILINE)
    return {((document.parent / path).resolve() if path else document, anchor) for path, anchor in found}


def anchors(document: Path) -> set[str]:
    """Those of its headings, as GitHub and the site name them."""
    text = re.sub(r"^```.*?^```", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title) for title in re.findall(r"^#+ +(.*?) *$", text, re.MULTILINE)]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_lead_to_files_and_headings_and_every_page_has_one(render):
    project, index = render(), ROOT / "llms.txt"
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *project.glob("*.md"), *project.glob("docs/*.md"), index]
    found = {file: links(file) for file in documents}
    missing = {file: [link for link, _ in pairs if not link.exists()] for file, pairs in found.items()}
    assert not {file: files for file, files in missing.items() if files}
    lost = {file: [pair for pair in pairs if pair[1] and pair[1] not in anchors(pair[0])] for file, pairs in found.items()}
    assert not {file: pairs for file, pairs in lost.items() if pairs}
    pages = {file: {link for link, _ in pairs} for file, pairs in found.items()}
    assert set((ROOT / "docs").glob("*.md")) <= pages[ROOT / "README.md"] | pages[index]
    assert set((project / "docs").glob("*.md")) <= pages[project / "README.md"]
    assert {file for file in (TEMPLATE / "docs").iterdir() if ".md" in file.suffixes} <= pages[index]


def test_every_setting_of_the_service_is_documented():
    settings = (TEMPLATE / "src/{{ package }}/factory/serving/settings.py").read_text("utf-8")
    (model,) = (node for node in ast.parse(settings).body if isinstance(node, ast.ClassDef))
    names = {f"FACTORY_{node.target.id.upper()}" for node in model.body if isinstance(node, ast.AnnAssign)}
    documented = set(
        re.findall(r"`(FACTORY_[A-Z_]+)`", (ROOT / "template/docs/serving.md").read_text("utf-8").partition("## What")[0])
    )
    assert names == documented - {"FACTORY_KEY"}  # which the service refuses
