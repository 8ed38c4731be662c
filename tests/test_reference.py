"""The references of params.yaml, policy.yaml, environments.yaml and status.json are those of the models that validate them."""

import ast
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

FACTORY = ROOT / "template/src/{{ package }}/factory"
TEXTS = {".py", ".md", ".jinja", ".yaml", ".yml", ".html", ".json"}
FOREIGN = ("FACTORY_", "GIT_", "CI_", "GITHUB_", "GITLAB_", "SYSTEM_", "BUILD_", "AZURE_", "UV_", "ORT_", "DOCKER_", "PYSPARK_")
NO_CODES = set(
    """
APPROVED AUTHOR BEGIN BISECT_LOG BOOL BUILDAH_FORMAT BYTES CHERRY_PICK_HEAD COMMENTED COMMITTER DELIVERY DVC_STAGE EMAIL
ERROR ERRSIG EXPKEYSIG EXPSIG FAILFAST FAIRNESS GOMP_SPINCOUNT GOODSIG HEAD IGNORED IMAGE JAVA_HOME KEYS KNOWN_AHEAD MANIFEST MERGE_HEAD
MERGE_MSG MKL_NUM_THREADS MLFLOW_HTTP_REQUEST_MAX_RETRIES MLFLOW_HTTP_REQUEST_TIMEOUT MLFLOW_TRACKING_URI NAME NFKC NFKD
NORMALIZED NULL OMP_NUM_THREADS OPEN ORGANISATION OPENBLAS_CORETYPE OPENBLAS_NUM_THREADS PATCH PATCHES PATH PATH_NOT_FOUND
PGCONNECT_TIMEOUT POLARS_MAX_THREADS PORT POST PREFIX PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHON_VERSION_MISMATCH RAISE_ERROR
READY REGISTRY_IMAGE REVERT_HEAD REVKEYSIG RLQP SC_PAGE_SIZE SC_PHYS_PAGES SHEET SIGHUP SIGINT SIGTERM SINCE SKIP SPACE STEP
TF_BUILD UNKNOWN VERSION_ID VIRTUAL_ENV
""".split()
)
"""Words in capitals that are something else: of Git, HTTP, GnuPG, Unicode, tensors, contracts, the environment."""
TOOL = runpy.run_path(str(ROOT / "tools/reference.py"))


@pytest.mark.parametrize("reference", TOOL["REFERENCES"], ids=lambda reference: reference.name)
def test_schema_and_page_are_current(reference):
    schema = reference.build()
    advice = f"{reference.module.__name__} has changed: run `python tools/reference.py`"
    assert reference.schema.read_text("utf-8") == TOOL["text"](schema), advice
    assert not reference.start or reference.page.read_text("utf-8") == TOOL["page"](schema, reference.start), advice


PAGES = runpy.run_path(str(ROOT / "tools/reference_pages.py"))


@pytest.mark.parametrize("name, text", PAGES["pages"]().items())
def test_page_of_the_site_is_current(name, text):
    current = (PAGES["FOLDER"] / name).read_text("utf-8")
    assert current == text.rstrip("\n") + "\n", "run `python tools/reference.py`"


def test_neither_more_nor_less_of_what_describes_errors_is_better():
    rows = [line.split(" | ") for line in PAGES["pages"]()["metrics.md"].splitlines() if line.startswith("| `")]
    better = {row[0].strip("| `"): row[2] for row in rows}
    assert (better["bias"], better["error_q50"], better["mae"], better["roc_auc"]) == ("neither", "neither", "lower", "higher")


def test_each_area_of_codes_has_its_part_of_the_page():
    assert {reason.area for reason in PAGES["codes"].known().values()} == PAGES["AREAS"].keys()


def constants(file: Path) -> Iterator[str]:
    """Words in capitals that the module has as texts, or as the start of a message."""
    nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
    shown = {node.value for node in nodes if isinstance(node, ast.keyword) and node.arg == "metavar"}
    for node in nodes:
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in shown else ""
        if found := re.match(r"([A-Z]{2,}(?:_[A-Z]+)*)(?:$|: )", text):
            yield found[1]


def test_each_code_in_the_code_is_explained_and_each_that_is_explained_is_there():
    modules = [file for file in FACTORY.rglob("*.py") if file.name not in ("_moved.py", "variables.py")]
    found = {word for file in modules for word in constants(file) if len(word) > 3 or word == "PSI"}
    codes = PAGES["codes"]
    unknown = {word for word in found - NO_CODES if not codes.find(word) and not word.startswith(FOREIGN)}
    assert not unknown, "explain the reason code in codes.yaml, or add the word to NO_CODES"
    assert codes.known().keys() - found <= {"STEP_FAILED"}, "nothing has this code"
    assert not NO_CODES & codes.known().keys()


def test_each_variable_is_explained_and_each_that_is_explained_is_there():
    files = [file for file in (ROOT / "template").rglob("*") if file.is_file() and file.suffix in TEXTS]
    texts = {file: file.read_text("utf-8") for file in files if file.name != "variables.py"}
    found = {name for text in texts.values() for name in re.findall(r"\bFACTORY_[A-Z]+(?:_[A-Z]+)*\b", text)}
    settings = {f"FACTORY_{name.upper()}" for name in PAGES["settings"].Settings.model_fields}
    known = PAGES["variables"].VARIABLES.keys()
    assert found - settings - known - {"FACTORY_COMPLETE"} == set(), "explain it in variables.py"
    assert {name for name in known if not any(name in text for text in texts.values())} == set()


def test_each_variable_of_the_templates_repository_is_explained_and_each_that_is_explained_is_there():
    files = [*(ROOT / "hooks").rglob("*.py"), *(ROOT / ".github").rglob("*.y*ml"), ROOT / ".gitlab-ci.yml"]
    files += (ROOT / "azure-pipelines").rglob("*.y*ml")
    text = "\n".join(file.read_text("utf-8") for file in files if file.exists())
    found = set(re.findall(r"\b(?:FLEET|FLEET_[A-Z]+|SITE_[A-Z]+|FACTORY_[A-Z]+)\b(?!\.)", text))
    known = PAGES["REPOSITORY"].keys()
    assert found <= known
    assert all(name.rstrip("…") in text for name in known)
