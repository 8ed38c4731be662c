"""Each answer is found again exactly in what is rendered, or refused in one line with nothing left behind."""

import ast
import configparser
import html
import json
import keyword
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import copier
import pytest
import yaml
from conftest import CONFIG, QUESTIONS, ROOT, commit, git

TEXTS = [
    'Ann "A" B', "O'Brien", "back\\slash\\", "Zoë 李", "👩\u200d🔬 🛫", "{{ 7*7 }}", "{% raw %}", "{# no #}", "a: b # c", "no", "null",
    "1.10", "*a", "%a", "<script>", "${HOME} $(id) `id`", "''' \"\"\"", "- x", " x ", "x" * 200,
]  # fmt: skip
BAD_TEXTS = [
    "", " ", "\u2003\u3000", "\u200d", "a\nb", "a\n", "a\rb", "a\tb", "a\0b", "a\x1bb", "a\x7fb", "a\x85b", "a\u2028b", "a\u202eb",
    "a\u2066b", "a\u200bb", "a\ufeffb", "a\ud800b", "a\uffffb", "a\U000e0041b", "x" * 201,
]  # fmt: skip
BAD_NAMES = [
    "", "../evil", "..", "/abs", "a/b", ".git", "class", "None", "match", "json", "Numpy", "scikit-learn", "Prometheus Client", "tests",
    "src", "factory", "1abc", "-rf", "a-", "CON", "com1", "!!!", "Zoë", "a\n", "a\u00a0b", "{{ 7*7 }}", "a" * 61, "a" * 300,
]  # fmt: skip
PLACES = {
    "local": ["../x", "../../my data (old)/x.y", "/srv/dvc", "~/dvc", "D:/dvc store"],
    "s3": ["s3://b", "s3://my.bucket/a/b_c/"],
    "azure": ["azure://container/a"],
    "gs": ["gs://bucket_1/a"],
    "ssh": ["ssh://host/srv/x", "ssh://ann@host.example.com:2222/srv/x"],
}
BAD_PLACES = {
    "local": ["", ".", "x", "../..", "/", "../a/../b", "-x", "/a;rm", "/a\nb", "/a$b", "/a'b", "/a,b", "/a#b", "/Zoë", "/a ", "s3://b"],
    "s3": ["s3://", "s3://b;rm", "s3://-b", "s3://b/../c", "s3://b/`id`", "s3://k:secret@b", "gs://b", "s3://b\n", "s3://" + "b" * 200],
    "azure": ["azure://a b"],
    "gs": ['gs://a"b'],
    "ssh": ["ssh://-oProxyCommand=x", "ssh://-o@h/x", "ssh://u@-h/x", "ssh://u:pw@h/x", "ssh://h", "ssh://h/$x", "ssh://h:1/../x"],
}  # fmt: skip
REFUSED = [
    *({"project_name": name} for name in BAD_NAMES),
    *({"description": text} for text in (" ", "a\nb")),
    *({"owner": text} for text in BAD_TEXTS),
    *({"storage": storage, "storage_url": url} for storage, urls in BAD_PLACES.items() for url in urls),
    {"problem": "clustering"},
    {"storage": "ftp"},
    {"ci": "jenkins"},
    {"license": "mit"},
    {"target": "swarm"},
    {"package": "evil"},
    {"slug": "--evil"},
    {"answers": "known"},
    {"storge": "s3"},
    {"_copier_conf": "x"},
]
# The front door hands on what it is given: one of each kind shows that.
HANDED_ON = [
    {"project_name": "../evil"},
    {"project_name": "json"},
    *({"owner": text} for text in (" ", "a\nb", "a\0b", "a\ud800b")),
    {"problem": "clustering"},
    {"storage_url": "s3://b;rm"},
    {"storage": "ssh", "storage_url": "ssh://-oProxyCommand=x"},
    {"package": "evil"},
    {"storge": "s3"},
]
# What YAML makes of an answer without quotes, or with brackets.
ILL_TYPED = [
    {name: value}
    for name in ("project_name", "owner", "storage_url", "license")
    for value in (False, 1.10, None, ["a"], {"a": 1})
]


PLACES_OF_TARGETS = ("deploy/kubernetes", "deploy/azureml", "infra")
TARGETS = [
    ("kubernetes", "s3", {"deploy/kubernetes"}),
    ("kubernetes", "azure", {"deploy/kubernetes", "infra"}),
    ("azureml", "s3", {"deploy/azureml", "infra"}),
]
"""By target and storage, what a project has of the template's."""


@pytest.fixture
def new(template, monkeypatch, capsys):
    """hooks/new.py, called as on the command line; gives its complaint."""
    main = runpy.run_path(str(template / "hooks" / "new.py"))["main"]

    def run(*args: object) -> str:
        monkeypatch.setattr(sys, "argv", ["new.py", *map(str, args), "--defaults", "--no-setup"])
        complaint = main()
        assert capsys.readouterr().err == ""
        return str(complaint or "")

    return run


@pytest.mark.parametrize("text", TEXTS)
def test_odd_texts_are_found_again(render, text):
    project = render(description=text, owner=text)
    assert tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["description"] == text
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))
    assert (answers["description"], answers["owner"]) == (text, text)
    assert f"Copyright (c) {text}\n" in (project / "LICENSE").read_text("utf-8")
    assert text in html.unescape((project / "README.md").read_text("utf-8"))


@pytest.mark.parametrize("text", TEXTS)
def test_every_file_can_be_read_whatever_the_answers(render, text):
    parsers = {".toml": tomllib.loads, ".yaml": yaml.safe_load, ".yml": yaml.safe_load, ".json": json.loads, ".py": ast.parse}
    project = render(description=text, owner=text)
    for file in project.rglob("*"):
        if parse := parsers.get(file.suffix):
            parse(file.read_text("utf-8"))


@pytest.mark.parametrize(
    ("name", "package"),
    [("Late flights", "late_flights"), ("a", "a"), ("My - cool__Project-2", "my_cool_project_2"), ("a" * 60, "a" * 60)],
)
def test_name_gives_the_package(render, name, package):
    project = render(project_name=name)
    assert [folder.name for folder in (project / "src").iterdir()] == [package]
    assert tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["name"] == package.replace("_", "-")


def remote(project: Path) -> str:
    config = configparser.ConfigParser(interpolation=None)
    config.read(project / ".dvc" / "config", "utf-8")
    storage = config["'remote \"storage\"'"]
    assert config["core"]["remote"] == "storage"
    assert storage["verify"] == "true", "else DVC does not notice rotten files"
    return storage["url"]


@pytest.mark.parametrize(("storage", "url"), [(storage, url) for storage, urls in PLACES.items() for url in urls])
def test_storage_reaches_dvc(render, storage, url):
    # DVC counts from .dvc/, people from the project.
    assert remote(render(storage=storage, storage_url=url)) == ("../" + url if url.startswith("../") else url)


@pytest.mark.parametrize("storage", PLACES)
def test_storage_has_a_default(render, storage):
    assert "late-flights" in remote(render(storage=storage))


@pytest.mark.parametrize("license", CONFIG["license"]["choices"].values())
def test_license_names_the_owner(render, license):
    text = (render(license=license, owner="Ann & Bob") / "LICENSE").read_text("utf-8")
    assert re.search(r"Copyright (\(c\) )?Ann & Bob\n", text)
    assert "{{" not in text


@pytest.mark.parametrize("answers", REFUSED + ILL_TYPED, ids=ascii)
def test_copier_refuses(template, tmp_path, answers):
    with pytest.raises((ValueError, TypeError)) as refusal:
        copier.run_copy(str(template), tmp_path / "x", {"project_name": "x", **answers}, defaults=True, quiet=True)
    assert "\n" not in str(refusal.value)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("answers", HANDED_ON, ids=ascii)
def test_new_refuses_options(new, tmp_path, answers):
    options = [f"--data={name}={value}" for name, value in {"project_name": "x", **answers}.items()]
    assert re.fullmatch(r"new\.py: [^\n]+", new(tmp_path / "x", *options))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("answers", HANDED_ON + ILL_TYPED, ids=ascii)
def test_new_refuses_data_files(new, tmp_path, answers):
    file = tmp_path / "answers.yml"
    file.write_text(yaml.safe_dump({"project_name": "x", **answers}))
    assert re.fullmatch(r"new\.py: [^\n]+", new(tmp_path / "x", "--data-file", file))
    assert list(tmp_path.iterdir()) == [file]


def test_new_refuses_a_folder_in_use(new, tmp_path):
    (tmp_path / "mine.txt").touch()
    assert "not an empty folder" in new(tmp_path, "-d", "project_name=x")
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_new_suggests_the_question_that_was_meant(new, tmp_path):
    assert "did you mean storage?" in new(tmp_path / "x", "-d", "storge=s3")


TABLES = {
    "without its target": (["--data", "table.csv"], "--data takes one table or folder, and goes with one --target"),
    "target alone": (["--target", "left"], "--data takes one table or folder, and goes with one --target"),
    "two": (["--data", "table.csv", "--data", "table.csv", "--target", "left"], "--data takes one table or folder"),
    "without setup": (["--data", "table.csv", "--target", "left"], "without --no-setup"),
    "id alone": (["--id", "number"], "--id describes your own table: it goes with --data and --target"),
    "classes of the sample": (["-d", "problem=multiclass"], "problem=multiclass needs your own table"),
    "missing": (["--data", "none.csv", "--target", "left"], "none.csv: no such file or folder"),
}


@pytest.mark.parametrize("options, complaint", TABLES.values(), ids=TABLES)
def test_new_refuses_tables(new, tmp_path, monkeypatch, options, complaint):
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text("left,size\nyes,1\n")
    message = new(tmp_path / "x", "-d", "project_name=x", *options)
    assert complaint in message and "\n" not in message
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


@pytest.mark.parametrize(
    ("options", "answer", "adopted"),
    [
        ([], "classification", []),
        (["-d", "problem=multiclass"], "classification", ["--problem", "multiclass"]),
        (["--problem", "multiclass"], "classification", ["--problem", "multiclass"]),
        (["-d", "problem=regression"], "regression", ["--problem", "regression"]),
        (["--role", "size=out", "--role", "a=b=id"], "classification", ["--role", "size=out", "--role", "a=b=id"]),
        (["--sheet", "Sales 2024"], "classification", ["--sheet", "Sales 2024"]),
    ],
)
def test_new_hands_what_describes_a_table_to_adopt(template, tmp_path, monkeypatch, options, answer, adopted):
    names = runpy.run_path(str(template / "hooks" / "new.py"))
    (tmp_path / "table.csv").write_text("left\n1\n")
    monkeypatch.setattr(sys, "argv", ["new.py", "x", "--data", str(tmp_path / "table.csv"), "--target", "left", *options])
    args = names["arguments"]()
    chosen = names["answers"](args.answers, None)
    names["choose_problem"](chosen, args)
    assert chosen == {"problem": answer}
    assert names["adoption"](args) == ["adopt", str(tmp_path / "table.csv"), "--target", "left", *adopted]


def test_help_of_new_names_every_question_with_its_choices(template, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["new.py", "--help"])
    with pytest.raises(SystemExit):
        runpy.run_path(str(template / "hooks" / "new.py"))["main"]()
    shown = " ".join(capsys.readouterr().out.split())
    for name in QUESTIONS:
        assert f"{name} {CONFIG[name]['help']} (" in shown
        assert all(f"{value} {label}" in shown for label, value in CONFIG[name].get("choices", {}).items())


def test_new_makes_the_same_project_as_copier(release, render, tmp_path):
    dest = tmp_path / "blanks and é"
    command = [sys.executable, release / "hooks" / "new.py", dest, "--defaults", "--no-setup", "-d", "project_name=Late flights"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")

    def files(project: Path) -> dict[str, bytes]:
        found = {str(file.relative_to(project)): file.read_bytes() for file in project.rglob("*") if file.is_file()}
        return {name: content for name, content in found.items() if name != ".copier-answers.yml"}

    assert files(dest) == files(render())


@pytest.fixture(scope="module")
def generated(template, tmp_path_factory) -> Path:
    """A project under Git whose template is at release 1.0.0; each test resets it."""
    folder = tmp_path_factory.mktemp("generated")
    source = folder / "template"
    source.mkdir()
    subprocess.run(["cp", "-R", f"{template}/.", source], check=True)
    commit(source, "1.0.0")
    copier.run_copy(str(source), folder / "project", {"project_name": "x"}, defaults=True, quiet=True)
    commit(folder / "project", "start")
    return folder / "project"


EDITED = [
    {"project_name": "../evil"},
    {"description": "a\u202eb"},
    {"owner": False},
    {"problem": "clustering"},
    {"storage_url": "s3://b;rm"},
    {"storage": "ftp"},
    {"ci": "jenkins"},
    {"license": ["MIT"]},
    {"target": "swarm"},
]


@pytest.mark.parametrize("run", [copier.run_update, copier.run_recopy])
@pytest.mark.parametrize("edit", EDITED, ids=ascii)
def test_edited_answers_are_refused(generated, run, edit):
    git(generated, "reset", "--quiet", "--hard", "start")
    file = generated / ".copier-answers.yml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text("utf-8")) | edit))
    commit(generated)
    with pytest.raises((ValueError, TypeError)) as refusal:
        run(generated, defaults=True, overwrite=True, quiet=True)
    assert "\n" not in str(refusal.value)
    assert git(generated, "status", "--porcelain") == ""


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """What Copier asks at the prompt, where the default is taken."""
    names = []

    def answer(questions: list[dict], answers: dict) -> dict:
        [question] = questions
        if question["when"](answers):
            names.append(question["name"])
        return {question["name"]: answers[question["name"]]} if question["name"] != "project_name" else {"project_name": "x"}

    monkeypatch.setattr("copier._main.unsafe_prompt", answer)
    return names


def answers_of(project: Path) -> dict[str, object]:
    return yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))


def test_eight_questions_are_asked_and_the_last_is_where_the_model_runs(template, tmp_path, asked):
    copier.run_copy(str(template), tmp_path / "x", quiet=True)
    assert asked == [name for name in QUESTIONS if name != "license"] and len(asked) == 8 and asked[-1] == "target"
    assert (answers_of(tmp_path / "x")["license"], answers_of(tmp_path / "x")["target"]) == ("proprietary", "compose")


@pytest.fixture
def small(template, tmp_path) -> Path:
    """A repository of the template with the files that depend on licence and target alone, of release 1.0.0."""
    folder = tmp_path / "small"
    for part in ("includes", "licenses"):
        shutil.copytree(template / part, folder / part)
    shutil.copy(template / "copier.yml", folder)
    for name in ("LICENSE.jinja", "environments.yaml.jinja", "{{ _copier_conf.answers_file }}.jinja"):
        (folder / "template").mkdir(exist_ok=True)
        shutil.copy(template / "template" / name, folder / "template")
    for name in (*PLACES_OF_TARGETS, "deploy"):
        (folder / "template" / name).mkdir(parents=True, exist_ok=True)
        (folder / "template" / name / "README.md").touch()
    commit(folder, "1.0.0")
    return folder


@pytest.mark.parametrize("data, kept", [({}, "proprietary"), ({"license": "MIT"}, "MIT")], ids=str)
@pytest.mark.parametrize("defaults", [True, False])
def test_a_licence_counts_unasked_and_stays_over_updates(small, tmp_path, asked, data, kept, defaults):
    project = tmp_path / "project"
    copier.run_copy(str(small), project, data | {"project_name": "x"}, defaults=True, quiet=True)
    for version in ("1.1.0", "1.2.0"):
        commit(project)
        (small / f"template/{version}").touch()
        commit(small, version)
        copier.run_update(project, defaults=defaults, overwrite=True, quiet=True)
        assert (project / version).exists() and answers_of(project)["license"] == kept
        assert ("MIT License" in (project / "LICENSE").read_text("utf-8")) == (kept == "MIT")
    assert "license" not in asked and len(set(asked)) == (0 if defaults else 8)


def test_a_licence_can_be_changed_by_an_update(small, tmp_path):
    project = tmp_path / "project"
    copier.run_copy(str(small), project, {"project_name": "x"}, defaults=True, quiet=True)
    commit(project)
    copier.run_update(project, {"license": "MIT"}, defaults=True, overwrite=True, quiet=True)
    assert answers_of(project)["license"] == "MIT" and "MIT License" in (project / "LICENSE").read_text("utf-8")


def without_target(project: Path) -> None:
    """As a project that began before the question."""
    file = project / ".copier-answers.yml"
    file.write_text(yaml.safe_dump({name: answer for name, answer in answers_of(project).items() if name != "target"}))
    (project / "environments.yaml").unlink()
    commit(project)


@pytest.mark.parametrize("target, storage, places", TARGETS)
def test_an_older_project_keeps_compose_until_it_asks_for_another_target(small, tmp_path, target, storage, places):
    project = tmp_path / "project"
    copier.run_copy(str(small), project, {"project_name": "x", "storage": storage}, defaults=True, quiet=True)
    without_target(project)

    def found() -> set[str]:
        return {place for place in PLACES_OF_TARGETS if (project / place).exists()}

    copier.run_update(project, defaults=True, overwrite=True, quiet=True)
    assert found() == set() and answers_of(project)["target"] == "compose"
    assert "target:" not in (project / "environments.yaml").read_text("utf-8")
    commit(project)
    copier.run_update(project, {"target": target}, defaults=True, overwrite=True, quiet=True)
    assert found() == places and (project / "deploy/README.md").exists()
    assert "target:" not in (project / "environments.yaml").read_text("utf-8"), "a seed is not replaced"


@pytest.mark.parametrize("target", CONFIG["target"]["choices"].values())
@pytest.mark.parametrize("name", ["x", "a" * 60, f"{'a' * 26} {'b' * 20}"])
def test_environments_are_of_the_target(small, tmp_path, target, name):
    copier.run_copy(str(small), tmp_path / "x", {"project_name": name, "target": target}, defaults=True, quiet=True)
    found = yaml.safe_load((tmp_path / "x/environments.yaml").read_text("utf-8"))
    assert list(found) == ["all", "dev", "test", "prod"]
    assert found["all"].get("target", "compose") == target
    assert found["prod"].get("after") == (None if target == "compose" else "test")
    endpoints = [each["endpoint"] for each in found.values() if "endpoint" in each]
    assert len(endpoints) == len(set(endpoints)) == (3 if target == "azureml" else 0)
    assert all(re.fullmatch("[a-z](-?[a-z0-9]){2,31}", endpoint) and len(endpoint) <= 32 for endpoint in endpoints)


def test_update_refuses_what_is_no_question(generated):
    git(generated, "reset", "--quiet", "--hard", "start")
    with pytest.raises(ValueError, match="there is no question"):
        copier.run_update(generated, {"storge": "s3"}, defaults=True, overwrite=True, quiet=True)


@pytest.mark.parametrize("hidden", ["package", "slug", "answers"])
def test_settings_cannot_set_hidden_values(template, tmp_path, hidden):
    settings = copier.Settings(defaults={hidden: "../evil"})
    with pytest.raises(ValueError, match=f"Invalid choice for '{hidden}'"):
        copier.run_copy(str(template), tmp_path / "x", {"project_name": "x"}, settings=settings, defaults=True, quiet=True)


def test_names_that_would_shadow_are_reserved():
    reserved = set(re.sub(r"\{#.*?#\}", "", (ROOT / "includes" / "reserved.txt").read_text("utf-8")).split())
    python = {name.lower() for name in [*sys.stdlib_module_names, *keyword.kwlist, *keyword.softkwlist] if name[0] != "_"}
    libraries = """altair click copier dataframely dvc fastapi hypothesis jinja2 joblib lightgbm marimo mlflow mypy numpy onnx
        onnxruntime pandas polars prometheus_client pyarrow pydantic pytest ray ruff scikit_learn scipy skl2onnx sklearn skops
        starlette tensorflow torch uvicorn xgboost yaml""".split()
    folders = "data docs factory model models notebooks reports src test tests".split()
    assert not (python | {*libraries, *folders}) - reserved


def test_questions_speak_like_a_person():
    assert all(CONFIG[name]["help"].endswith("?") for name in QUESTIONS)
    assert not {"_tasks", "_migrations", "_jinja_extensions"} & CONFIG.keys()


def test_rules_know_the_questions():
    rules = (ROOT / "includes" / "rules.jinja").read_text("utf-8")
    [listed] = re.findall(r"set questions = (\[.*?\])", rules)
    assert ast.literal_eval(listed) == QUESTIONS
    for name in ("problem", "storage", "ci", "license", "target"):
        assert f"'{', '.join(CONFIG[name]['choices'].values())}'" in CONFIG[name]["validator"]
