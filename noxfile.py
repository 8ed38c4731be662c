#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = ["nox[uv]>=2025.11.12"]
# ///
"""What is done with this repository: `nox` tests it, `nox -s demo` shows it, `nox -s bench` measures it."""

import os
import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = True
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # without bytecode each command of a project starts a second later
TOOLS = ("copier>=9.18", "pytest>=9.0", "pytest-xdist>=3.8", "pyyaml>=6.0", "uv>=0.9")
BESIDE = ("--numprocesses=2", "--dist=loadfile")  # a file each
DEMO = Path(__file__).parent / "demo"


def install(session: nox.Session) -> None:
    """The tools; what they start finds its own environment, and never works in the session's."""
    session.install(*TOOLS)
    session.env.update(dict.fromkeys(("UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "VIRTUAL_ENV")))


@nox.session
def lint(session: nox.Session) -> None:
    """Style of the repository's own code."""
    session.install("pre-commit>=4.5")
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure")


@nox.session
def fast(session: nox.Session) -> None:
    """Answers, structure and updates, in seconds to minutes; `nox -s fast -- -k words` chooses."""
    install(session)
    session.run("pytest", "-m", "not slow", *BESIDE, *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Rendered projects at work, with real storage servers; needs the network, may install Debian packages."""
    install(session)
    session.run("pytest", "-m", "slow", *BESIDE, *session.posargs)


def state(session: nox.Session) -> str:
    """What the demo's repository holds, committed or not."""
    asked = (("rev-parse", "HEAD"), ("status", "--porcelain"))
    return "".join(session.run("git", "-C", str(DEMO), *question, external=True, silent=True) for question in asked)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """A project in ./demo: copied, set up, trained, promoted and scored."""
    install(session)
    session.env.update({f"GIT_{who}_{what}": "demo@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")})
    marker = DEMO / ".git" / "made-by-nox"  # the state in which this session left the demo; empty until it is through
    if DEMO.exists():
        made = marker.read_text() if marker.exists() else None
        if made != "" and made != state(session):
            session.error(f"{DEMO} holds work that this session did not make: move it away")
        shutil.rmtree(DEMO)
    session.run("git", "init", "--quiet", "--initial-branch=main", str(DEMO), external=True)
    marker.touch()
    session.run("copier", "copy", "-q", "--vcs-ref=HEAD", "--defaults", "--data=project_name=Demo", str(DEMO.parent), str(DEMO))
    session.chdir(DEMO)
    session.run("uv", "run", "factory", "setup")
    session.run("uv", "run", "dvc", "repro")
    session.run("git", "add", "--all", external=True)
    session.run("git", "commit", "--quiet", "--message", "Train the first model", external=True)
    session.run("uv", "run", "dvc", "push")
    session.run("uv", "run", "factory", "promote")
    session.run("uv", "run", "factory", "score", str(max(Path("data", "raw").glob("*.parquet"))), "scores.parquet")
    session.run("uv", "run", "dvc", "metrics", "show")
    marker.write_text(state(session))
    session.log(f"The report: {DEMO / 'reports' / 'report.html'}")


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Speed and size, against the limits that the benchmarks name; `nox -s bench -- pipelines` measures those."""
    install(session)
    session.run("python", f"benchmarks/{[*session.posargs, 'bench'][0]}.py", session.create_tmp(), *session.posargs[1:])


if __name__ == "__main__":
    nox.main()
