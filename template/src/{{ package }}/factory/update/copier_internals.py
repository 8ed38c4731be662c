"""Two releases as an update of Copier's sees them, in folders of their own. Run by Copier's Python, with the request on stdin.

`copier update` merges in the project itself, and stops where it should not: with conflicts that it does not resolve, and
with Git's settings that it does not expect. So only its rendering is used here, and Git merges.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ANSWERS = ".copier-answers.yml"


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Render the releases into the folders `new` and `old`, and into `more` what an update leaves to the person."""
    from copier._main import Worker, _operation

    def worker(name: str, answers: dict[str, Any], release: str | None, exclude: Iterable[str] = ()) -> Worker:
        place = Path(request["folders"][name])
        place.mkdir(parents=True)
        (place / ANSWERS).write_text(json.dumps(answers), encoding="utf-8")  # as answered before, which Copier checks
        data = {} if name == "old" else request["data"]
        options = {"vcs_ref": release, "exclude": exclude, "defaults": True, "overwrite": True, "quiet": True}
        return Worker(request["source"], place, data=data, **options)

    _operation.set("update")  # what `_exclude` in the template's copier.yml asks for
    with worker("new", request["answers"], request["release"]) as new:
        new.run_copy()
        with worker("old", request["then"], request["then"]["_commit"], new.template.exclude) as old:
            old.run_copy()
            versions = [each.template.version for each in (old, new)]
        if None not in versions and versions[0] > versions[1]:
            return {"error": f"{new.template.commit} is older than this project's release {old.template.commit}"}
        keep_seeds(old.dst_path, new.dst_path, new.match_skip)
        rendered = [f"/{path.as_posix()}" for path in files(new.dst_path)]
    _operation.set("copy")
    with worker("more", request["answers"], request["release"], rendered) as more:
        more.run_copy()
    return {"before": old.template.commit, "after": new.template.commit}


def keep_seeds(old: Path, new: Path, is_seed: Callable[[Path], bool]) -> None:
    """A seed of an older release stays as it was."""
    for path in filter(is_seed, files(old)):
        (new / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(old / path, new / path)


def files(folder: Path) -> list[Path]:
    """The files in the folder, relative to it."""
    return [path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir()]


if __name__ == "__main__":
    try:
        answer = main(json.load(sys.stdin))
    except Exception as error:  # noqa: BLE001 # whatever Copier raises is one line for the person
        answer = {"error": " ".join(str(error).split()) or type(error).__name__}
    json.dump(answer, sys.stdout)
