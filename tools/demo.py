"""Make a project in ./demo: copied, set up, trained, promoted and scored. `nox -s demo` runs this.

`nox -s demo -- regression` or `-- forecasting` makes one of that problem.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "demo"
MARKER = DEMO / ".git" / "made-by-nox"
"""The state in which the demo was left; empty until it is complete."""
DESCRIPTIONS = {
    "classification": "Predicts which flights arrive 15 minutes late or more.",
    "regression": "Predicts by how many minutes flights arrive late.",
    "forecasting": "Predicts how many flights leave each airport in each hour of the next day.",
}
"""What the demo predicts, by problem."""


def main() -> str | None:
    problem = next(iter(sys.argv[1:]), "classification")
    if problem not in DESCRIPTIONS:
        return f"demo: no problem {problem}: choose one of {', '.join(DESCRIPTIONS)}"
    os.environ |= {f"GIT_{who}_{what}": "demo@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    if DEMO.exists():
        left = MARKER.read_text() if MARKER.exists() else None
        if left != "" and left != state():
            return f"{DEMO} holds work that this session did not make: move it away"
        shutil.rmtree(DEMO)
    run("git", "init", "--quiet", "--initial-branch=main", str(DEMO))
    MARKER.touch()
    answers = ["project_name=Late flights", f"description={DESCRIPTIONS[problem]}", f"problem={problem}"]
    run("copier", "copy", "-q", "--vcs-ref=HEAD", "--defaults", *(f"--data={answer}" for answer in answers), str(ROOT), str(DEMO))
    os.chdir(DEMO)
    run("uv", "run", "factory", "setup")
    run("uv", "run", "dvc", "repro")
    run("git", "add", "--all")
    run("git", "commit", "--quiet", "--message", "Train the first model")
    run("uv", "run", "dvc", "push")
    run("uv", "run", "factory", "promote", "-m", "the first")
    origin = ["--origin=2013-04-29T23:00"] if problem == "forecasting" else []  # the day after it is in the file, too
    run("uv", "run", "factory", "score", str(max(Path("data", "raw").glob("*.parquet"))), "scores.parquet", *origin)
    run("uv", "run", "dvc", "metrics", "show")
    MARKER.write_text(state())
    print(f"The report: {DEMO / 'reports' / 'report.html'}")
    return None


def run(*command: str) -> None:
    """Show the command and its output; exit if it fails."""
    print(f"demo > {' '.join(command)}", flush=True)
    if subprocess.run(command).returncode:
        sys.exit(f"demo: {' '.join(command)} failed")


def state() -> str:
    """The state of the demo's repository, committed or not."""
    queries = (("rev-parse", "HEAD"), ("status", "--porcelain"))
    return "".join(subprocess.check_output(["git", "-C", str(DEMO), *question], text=True) for question in queries)


if __name__ == "__main__":
    sys.exit(main())
