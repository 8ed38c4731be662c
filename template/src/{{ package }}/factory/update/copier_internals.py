"""Releases of the template as a fresh project or an update gets them, each in a folder. Run by Copier's own Python.

`copier update` merges as well, and leaves conflicts, loses changes of files that have moved and stops on settings of Git.
So Copier only renders here: the request is JSON on stdin, and the answer on stdout.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from copier._main import Worker, _operation
from copier._vcs import get_repo

ANSWERS = ".copier-answers.yml"


def update(request: dict[str, Any]) -> dict[str, Any]:
    """Render the project's release and the newer one, without the person's files, and with seeds as the older has them."""
    _operation.set("update")  # what `_exclude` in the template's copier.yml asks for
    with worker(request, "new", request["answers"], tag(request), request["data"]) as new:
        new.run_copy()
        with worker(request, "old", request["then"], request["then"]["_commit"], {}, new.template.exclude) as old:
            old.run_copy()
            versions = [each.template.version for each in (old, new)]
        if None not in versions and versions[0] > versions[1]:
            raise ValueError(f"{new.template.commit} is older than this project's {described(old.template.commit)}")
        keep_seeds(old.dst_path, new.dst_path, new.match_skip)
        return {"before": old.template.commit, "after": new.template.commit}


def described(commit: str) -> str:
    """A release, or what to do where the project is of a commit after one."""
    if not re.search(r"-g[0-9a-f]+$", commit):
        return f"release {commit}"
    return f"commit {commit}, which is not a release: wait for a newer one, or give a newer commit or a branch by --release"


def fresh(request: dict[str, Any]) -> dict[str, Any]:
    """Render the release as for a project that begins with it."""
    with worker(request, "fresh", request["answers"], request["release"], {}) as new:
        new.run_copy()
    return {}


@contextmanager
def worker(
    request: dict[str, Any],
    name: str,
    answers: dict[str, Any],
    release: str | None,
    data: dict[str, Any],
    exclude: tuple[str, ...] = (),
) -> Any:
    """Copier at work on a release, in a folder that holds the answers; it checks those, but for `data` without failing."""
    folder = Path(request["folders"][name])
    folder.mkdir(parents=True)
    (folder / ANSWERS).write_text(json.dumps(answers), encoding="utf-8")
    options = {"vcs_ref": release, "exclude": exclude, "defaults": True, "overwrite": True, "quiet": True}
    with Worker(request["source"], folder, data=data, **options) as new:
        try:
            commit = new.template.commit
        except Exception as error:
            raise ValueError(
                f"{f'release {release}' if release else 'the newest release'} cannot be had from {request['source']}: {reason(error)}"
            ) from error
        if commit is None:
            raise ValueError(f"{request['source']} is not the template's Git repository")
        compile_once(new.jinja_env)
        spare_plain_names(new)
        # a process for each file, which sets modes in a repository on Windows; the folder is none
        new._sync_git_index_executable_bit = lambda *_: None
        yield new


def tag(request: dict[str, Any]) -> str | None:
    """The tag of the release that is asked for, whose `v` people may leave out."""
    if release := request["release"]:
        source = get_repo(request["source"]) or request["source"]
        command = ("git", "ls-remote", "--tags", "--refs", "--", source, f"v{release}")
        known = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout
        return f"v{release}" if known else str(release)
    return None


def compile_once(jinja: Any) -> None:
    """Copier compiles the name of each folder again for each file in it, which is half of what a release takes."""
    compiled = cache(jinja.from_string)

    def from_string(source: str) -> Any:
        jinja.preprocess("")  # ends the last name with `yield`, as compiling does
        return compiled(source)

    jinja.from_string = from_string


def spare_plain_names(new: Any) -> None:
    """Copier renders the name of each folder for each file in it, and the name of the answers' file as often."""
    render = new._render_string

    def as_it_is(name: Any) -> Any:
        new.jinja_env.preprocess("")  # ends the last name with `yield`, as rendering does
        return name

    def render_string(name: str, *context: Any, **more: Any) -> Any:
        return render(name, *context, **more) if "{" in name else as_it_is(name)

    new._render_string = render_string
    Worker.answers_relpath = property(lambda _: as_it_is(Path(ANSWERS)))


def keep_seeds(old: Path, new: Path, is_seed: Callable[[Path], bool]) -> None:
    """A seed is left as the older release has it."""
    for path in [file.relative_to(old) for file in old.rglob("*") if not file.is_dir()]:
        if is_seed(path):
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(old / path, new / path)


def reason(error: Exception) -> str:
    """What went wrong, in a line; of Git's output what was fatal."""
    return " ".join(re.sub(r".*fatal: ", "", str(error), flags=re.DOTALL).split()) or type(error).__name__


if __name__ == "__main__":
    request = json.load(sys.stdin)
    try:
        answer = fresh(request) if "fresh" in request["folders"] else update(request)
    except Exception as error:  # noqa: BLE001 # whatever Copier raises is a line for the person
        answer = {"error": reason(error)}
    json.dump(answer, sys.stdout)
