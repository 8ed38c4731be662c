"""`factory verify`: each claim of a version, checked in turn until one does not hold."""

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from .. import manifest, platforms
from ..errors import CannotEvaluate, FactoryError, Refused, listed
from ..gate import approval
from ..paths import MODEL, PREPARED, REPORTS
from ..registry import champion
from ..registry.trust import Trust
from ..registry.versions import Version, find
from ..workspace import git
from . import data, gate
from .comparison import CODE
from .reproduction import Reproduction, worktree

FOLDER = REPORTS / "sbom"
PASSED, REFUSED, LEFT_OUT = "passed", "refused", "left out"
PYTHON = "import platform; print(platform.python_version())"


@dataclass(frozen=True)
class Step:
    """What came of one claim, and what that cost here and in the processes that were started."""

    name: str
    result: str
    details: str
    code: str = ""
    exit_code: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


class Verification:
    """The claims of a version, of all that there are; `quick` leaves out what runs the pipeline."""

    def __init__(
        self, version: Version, versions: list[Version], trusted: Trust, *, quick: bool, python: str | None
    ) -> None:
        self.version, self.quick, self.done = version, quick, list[Step]()
        self._versions, self._trusted, self._wanted_python = versions, trusted, python
        self._resources, self._python = ExitStack(), ""
        self._path = FOLDER / f"{version.name}.verification.json"

    def steps(self) -> Iterator[Step]:
        """Each claim once it is checked; none after one that does not hold."""
        self._path.unlink(missing_ok=True)  # what an earlier one found is not the result of one that is interrupted
        acts = (self._record, self._main, self._approvals, self._data, self._model, self._training, self._gate)
        with self._resources:
            for act in acts:
                self.done.append(_measured(act))
                yield self.done[-1]
                if self.done[-1].result == REFUSED:
                    break

    @property
    def exit_code(self) -> int:
        return max(step.exit_code for step in self.done)

    def write(self) -> Path:
        """Write who verified what, when, on which machine, and what came of it."""
        path = self._path
        path.parent.mkdir(parents=True, exist_ok=True)
        record = self.version.record or {}
        content = {
            "version": self.version.name,
            **{name: record.get(name) for name in ("commit", "model")},
            "passed": self.exit_code == 0,
            "trained_again": any(step.name == "training" and step.result == PASSED for step in self.done),
            "by": _who(),
            "run": getattr(platforms.detect(), "run_url", None),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {"name": platform.node(), "system": platform.platform(), "processors": os.cpu_count()},
            "python": self._python,
            "seconds": round(sum(step.seconds for step in self.done), 1),
            "steps": [asdict(step) for step in self.done],
        }
        manifest.dump(content, path)
        return path

    def _record(self) -> str:
        self.version.check()
        if self.version.number == 1:
            return f"{self.version.signature}, the first"
        before = f"v{self.version.number - 1}"
        if before not in {each.name for each in self._versions}:
            raise CannotEvaluate("VERSION_INVALID", f"model/{before}, from which it follows, is missing: restore it")
        return f"{self.version.signature}, follows from {before}"

    def _main(self) -> str:
        self._trusted.check_on_main(self.version.commit)
        return f"commit {self.version.commit[:8]} is on {self._trusted.branch}"

    def _approvals(self) -> str:
        """Those that counted when the model was promoted; or others on main by now, as for one of an older release."""
        promoted = find(f"v{self.version.facts['serves']}", self._versions)
        before = [each for each in self._versions if each.number < promoted.number]
        claim = promoted.commit, promoted.facts["model"], before, self._trusted
        try:
            proofs = approval.check(*claim, datetime.fromisoformat(promoted.facts["at"]))
        except (FactoryError, ValueError):
            proofs = approval.check(*claim, later=self._trusted.main)
        return listed([f"by {proof['by']} ({proof['how']})" for proof in proofs]) or "none is wanted"

    def _data(self) -> str:
        commit = self.version.commit
        self._made = Reproduction(self._resources.enter_context(worktree(commit)), commit, self._wanted_python)
        return data.check(self._made, self._trusted.main)

    def _model(self) -> str:
        self._claimed = Path(self._resources.enter_context(tempfile.TemporaryDirectory()), MODEL)
        try:
            champion.fetch(self.version.commit, self._claimed)
        except FactoryError as error:
            raise CannotEvaluate("STORAGE", f"its model cannot be fetched: {error}") from error
        if not champion.is_model(self._claimed, self.version):
            raise Refused(CODE, "the model in DVC's remote is not the one that the record names")
        return f"sha256 {self.version.facts['model'][:12]} of its manifest, as recorded"

    def _training(self) -> str:
        if self.quick:
            return ""
        self._made.install()
        self._python = self._made.run_python(PYTHON)
        self._made.train()
        return f"{self._made.compare(self._claimed)}, on Python {self._python}"

    def _gate(self) -> str:
        if self.quick:
            self._made.install()
            self._made.fetch(str(PREPARED))
            shutil.copytree(self._claimed, self._made.folder / MODEL)
        serves = self.version.facts["serves"]
        earlier = [each for each in self._versions if each.number < serves]
        return gate.check(self.version, earlier[-1] if earlier else None, self._trusted.main, self._made)


def _measured(act: Callable[[], str]) -> Step:
    name, start, before = act.__name__.strip("_"), time.perf_counter(), _cpu_seconds()
    result, code, exit_code = PASSED, "", 0
    try:
        details = act()
    except FactoryError as error:
        result, exit_code, code = REFUSED, error.exit_code, f"{getattr(error, 'code', f'{name.upper()}_FAILED')}"
        details = str(error)
    seconds, used = time.perf_counter() - start, _cpu_seconds() - before
    if not details:
        result, details = LEFT_OUT, "not shown: that its deliveries give these prepared rows, and these rows this model"
    return Step(name, result, details, code, exit_code, round(seconds, 1), round(used, 1))


def _who() -> str:
    """Who verifies; nobody where a pipeline has not been given a name."""
    try:
        return git.author()
    except FactoryError:
        return ""


def _cpu_seconds() -> float:
    """Of this process and those that it has started and that have ended."""
    return sum(os.times()[:4])
