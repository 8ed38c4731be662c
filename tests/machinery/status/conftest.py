"""A project with versions, monitoring, deliveries and a deployment, as Git has it, in a moment."""

import json
from pathlib import Path

import pytest
from tests.factory import git_repository, toy
from tests.factory.git_repository import GATE, git

from machinery.dashboard import world

ADDRESS = "https://user:token-of-42@git.example.com/team/churn.git?key=of-43"
LOCK = """\
[[package]]
name = "churn"
source = { editable = "." }
dependencies = [{ name = "numpy", extra = ["fast"] }]
optional-dependencies = { serve = [{ name = "uvicorn" }] }
[package.dev-dependencies]
dev = [{ name = "pytest" }]
[[package]]
name = "numpy"
version = "2.10.0"
source = { registry = "x" }
optional-dependencies = { fast = [{ name = "blas" }] }
[[package]]
name = "numpy"
version = "2.9.1"
source = { registry = "x" }
[[package]]
name = "blas"
version = "1.0"
source = { registry = "x" }
[[package]]
name = "uvicorn"
version = "0.40"
source = { registry = "x" }
dependencies = [{ name = "blas" }]
[[package]]
name = "pytest"
version = "9.0"
source = { registry = "x" }
"""


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A folder with parameters and a repository without a commit; whatever platform runs this."""
    git_repository.environment(monkeypatch)
    for name in ("FACTORY_PROMETHEUS", "FACTORY_TOKEN", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("params.yaml").write_text(toy.text(gate=GATE), encoding="utf-8")
    git("init", "--quiet", "--initial-branch=main")
    return folder


@pytest.fixture
def project(bare, tmp_path):
    """Three versions and twenty days of monitoring, with a remote in tmp_path/remote."""
    report = world.build(3, 20)
    git("reset", "--quiet", "--hard", "model/v3")
    files = {
        ".gitignore": "/reports/monitor.json\n/reports/gate.*\n/.dvc/tmp\n",
        "params.yaml": toy.text(gate=GATE),
        "pyproject.toml": '[project]\nname = "churn"\ndescription = "Who leaves"\n',
        "uv.lock": LOCK,
        "docs/model-card.yaml": "owner: Team Insight\npurpose: ring those who would leave\nrisk: high\n",
        "src/late_flights/contract.py": "x = 1\n",
        "data/raw/may.parquet.dvc": "outs: [{path: may.parquet, md5: a}]\nmeta: {received: '2025-01-20T01:02:03+00:00', "
        f"by: Zoë, source: s3, rows: 400, sha256: {'a' * 64}}}\n",
        "reports/readiness.json": json.dumps(
            {
                "score": 3.5,
                "level": "reasonably tested",
                "groups": {"Data": 3.5, "Model": 4.0},
                "tests": [{"group": "Data", "test": "A", "score": 0, "why": "x"}, {"group": "Data", "test": "B", "score": 1}],
            }
        ),
    }
    for name, content in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content, encoding="utf-8")
    git_repository.commit()
    Path("reports/monitor.json").write_text(json.dumps(report), encoding="utf-8")
    git_repository.share(tmp_path / "remote")
    git("push", "--quiet", "--tags", "origin")
    git("fetch", "--quiet", "origin")
    return bare
