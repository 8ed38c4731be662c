"""policy.yaml, the organisation's: bounds on params.yaml, and what a version needs before it counts.

The text below each key is its reference: from it and the types come `policy.schema.json`, for editors, and docs/policy.md.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from . import sections
from .config import Params
from .errors import FactoryError
from .sections import Section

FILE = Path("policy.yaml")

Risk = Literal["low", "high"]
RISKS: tuple[Risk, ...] = ("low", "high")
Tag = Literal["purpose", "data_class", "risk", "retention"]
Finding = Literal["remote", "signatures", "owners", "branch", "tags", "storage", "environments", "names"]
Count = Annotated[int, Field(ge=0)]
Pattern = re.Pattern[str] | None

HIDDEN = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
"""Ends of lines for YAML, but not for who reviews the file: a signer could be in what looks like a comment."""


class Bound(Section):
    """How far params.yaml may move one limit of the gate."""

    min: FiniteFloat | None = None
    """The least that the limit may be."""
    max: FiniteFloat | None = None
    """The most that the limit may be."""
    required: bool = False
    """Whether params.yaml has to state the limit itself, in place of its default."""

    def broken(self, value: float | None, stated: bool) -> str:
        """What is wrong with the limit's value, if something is."""
        if self.required and (value is None or not stated):
            return "is not set, and is required"
        if value is None:
            return ""
        if self.min is not None and not value >= self.min:
            return f"is {value:.12g}, and must be at least {self.min:.12g}"
        if self.max is not None and not value <= self.max:
            return f"is {value:.12g}, and must be at most {self.max:.12g}"
        return ""


class Bounds(Section):
    """By limit of the gate, as in params.yaml, the bounds within which a project may set it."""

    floor: Bound = Bound()
    margin: Bound = Bound()
    value_margin: Bound = Bound()
    slice_margin: Bound = Bound()
    calibration: Bound = Bound()
    coverage_gap: Bound = Bound()
    forecast_coverage_gap: Bound = Bound()
    selection_gap: Bound = Bound()
    selection_ratio: Bound = Bound()
    error_gap: Bound = Bound()
    group_rows: Bound = Bound()
    latency_ms: Bound = Bound()
    size_mb: Bound = Bound()


class Approvals(Section):
    """How many people, other than who made the model, have to approve a version."""

    low: Count = 0
    """The number where the model card says `risk: low`."""
    high: Count = 1
    """The number where it says `risk: high`."""


class Names(Section):
    """Regular expressions that whole names have to match; what has none may have any name."""

    project: Pattern = None
    """The name of the project's package."""
    branch: Pattern = None
    """The name of the branch that is checked out, `main` included."""
    experiment: Pattern = None
    """The name of every branch but main, on which something is tried, such as `(exp|fix)/[a-z0-9-]+`; those of bots,
    platforms and `factory/` are free. The baseline is main: versions are made of its commits alone (`NOT_ON_MAIN`)."""
    delivery: Pattern = None
    """The name of a new file in data/raw/."""
    version: Pattern = None
    """The reason that a version keeps, `-m` of `factory promote` and `factory rollback`, such as `[A-Z]+-[0-9]+: .+` for a ticket."""
    image: Pattern = None
    """The name of an image with its registry, without tag and digest, such as `registry\\.example\\.com/ml/.+`."""
    environment: Pattern = None
    """What an environment is called where it runs: its namespace, endpoint, workspace and resource group."""


class Policy(Section):
    """All of policy.yaml."""

    signatures: Literal["optional", "required"] = "optional"
    """Whether a version counts only if its tag is signed by an allowed signer. Where they are optional, commands say
    `unsigned` of a version that is not."""
    signers: str = ""
    """Who may sign in every project of the organisation, beside those in the project's own `allowed_signers`: lines in
    OpenSSH's format for allowed signers, `ann@example.com namespaces="git" ssh-ed25519 AAAA…`. Only main's count, so that
    no branch brings its own."""
    gate: Bounds = Bounds()
    """By limit of the gate, as in params.yaml, the bounds within which a project may set it."""
    approvals: Approvals = Approvals()
    """How many people, other than who made the model, have to approve a version."""
    group_thresholds: Literal["forbidden", "allowed"] = "forbidden"
    """Whether `decision.by` in params.yaml may give groups thresholds of their own. Where the groups are of people, that treats
    them by different rules, which the law of many countries forbids or restricts."""
    live: Literal["optional", "required"] = "optional"
    """Whether a model replaces the champion only once it is no worse on live rows: `factory promote` then wants the verdict of
    `factory compare --live`, from captures of services in whose shadow the model ran, and their outcomes."""
    data_classes: dict[str, Risk] = {
        "public": "low",
        "internal": "low",
        "personal": "high",
    }
    """The classes of data that there are, and the least risk that the model card of a model trained on them may state. Of a
    card without a class it asks nothing: `data_class` among the `tags` does."""
    tags: list[Tag] = []
    """Which of `purpose`, `data_class`, `risk` and `retention` docs/model-card.yaml has to state; a version's record keeps
    them."""
    protected: list[str] = []
    """Files and folders, such as `params.yaml` or `src/*/features.py`. A version that changes one of them since the champion
    needs a second person's approval, also where risk is low."""
    names: Names = Names()
    """Regular expressions that whole names have to match; what has none may have any name."""
    templates: list[str] = []
    """Addresses of further templates from which projects may be updated, such as the organisation's fork of this one."""
    doctor: list[Finding] = []
    """What must not be missing: where `factory doctor` finds one of `remote`, `signatures`, `owners`, `branch`, `tags`,
    `storage`, `environments` and `names` missing or wrong, or cannot find out, its exit code is 1."""

    def problems(
        self,
        params: Params,
        tags: Mapping[str, str | None],
        names: Iterable[tuple[str, str | None]],
    ) -> Iterator[str]:
        """What breaks the policy: a parameter, a tag of the model card, or a name of a kind."""
        for limit, bound in self.gate:
            if problem := bound.broken(getattr(params.gate, limit), limit in params.gate.model_fields_set):
                yield f"gate.{limit} {problem}"
        if params.decision and params.decision.by and self.group_thresholds == "forbidden":
            yield f"decision.by is {params.decision.by}, and groups must not have thresholds of their own"
        for tag in self.tags:
            if not (tags.get(tag) or "").strip():
                yield f"docs/model-card.yaml has no {tag}, and must have one"
        data_class = tags.get("data_class") or ""
        if self.data_classes.get(data_class) == "high" and tags.get("risk") != "high":
            yield f"risk is low, and must be high for data of the class {data_class}"
        for kind, name in names:
            yield from self.wrong_name(kind, name)

    def wrong_name(self, kind: str, name: str | None) -> Iterator[str]:
        """What is wrong with the name, if there is one and it breaks its rule."""
        pattern: Pattern = getattr(self.names, kind)
        if name and pattern and not pattern.fullmatch(name):
            what = "reason of the version" if kind == "version" else f"name of the {kind}"
            yield f"the {what} is {' '.join(name.split())}, and must match {pattern.pattern}"


@dataclass(frozen=True)
class Policies:
    """The policies that hold at once, by where each is from: the strictest decides, since each check holds under all."""

    by_place: Mapping[str, Policy]

    @property
    def signatures_required(self) -> bool:
        return any(policy.signatures == "required" for policy in self._all)

    @property
    def live_required(self) -> bool:
        return any(policy.live == "required" for policy in self._all)

    @property
    def protected(self) -> list[str]:
        """The files and folders whose change needs an approval."""
        return sorted({path for policy in self._all for path in policy.protected})

    @property
    def templates(self) -> set[str]:
        """The further templates that all of them accept."""
        first, *others = (set(policy.templates) for policy in self._all)
        return first.intersection(*others)

    @property
    def doctor(self) -> set[Finding]:
        """The findings that make `factory doctor` fail."""
        return {finding for policy in self._all for finding in policy.doctor}

    def wrong_names(self, names: Iterable[tuple[str, str | None]]) -> dict[str, list[str]]:
        """What is wrong with the names, each of a kind, by where the rule is from."""
        found: dict[str, list[str]] = {}
        for kind, name in names:
            for place, policy in self.by_place.items():
                for problem in policy.wrong_name(kind, name):
                    found.setdefault(problem, []).append(place)
        return found

    def check_names(self, names: Iterable[tuple[str, str | None]]) -> None:
        """Raises FactoryError for the first name that breaks a rule."""
        for problem, places in self.wrong_names(names).items():
            raise FactoryError(f"POLICY: {problem} by the policy of {' and '.join(places)}")

    def problems(
        self,
        params: Params,
        tags: Mapping[str, str | None],
        names: Iterable[tuple[str, str | None]],
    ) -> dict[str, list[str]]:
        """What breaks one of the policies, by where that is from."""
        found: dict[str, list[str]] = {}
        names = list(names)
        for place, policy in self.by_place.items():
            for problem in policy.problems(params, tags, names):
                found.setdefault(problem, []).append(place)
        known = dict.fromkeys(name for policy in self._all for name in policy.data_classes)
        if (data_class := tags.get("data_class")) and data_class not in known:
            found[f"data_class is {data_class}, and must be one of {', '.join(known)}"] = list(self.by_place)
        return found

    def approvals(self, risk: Risk, changed: Collection[str] = ()) -> int:
        """How many approvals a version of this risk needs that changes these files since the champion."""
        wanted = [policy.approvals.high if risk == "high" else policy.approvals.low for policy in self._all]
        return max(int(any(map(self.is_protected, changed))), *wanted)

    def is_protected(self, path: str) -> bool:
        """Whether a change of the file needs an approval."""
        return any(_is_below(path, pattern) for pattern in self.protected)

    def minimum_risk(self, data_class: str | None) -> Risk:
        """The least risk of a model trained on data of the class; of no class, low."""
        risks = [policy.data_classes[data_class] for policy in self._all if data_class in policy.data_classes]
        return max(risks, key=RISKS.index, default="low")

    @property
    def _all(self) -> Collection[Policy]:
        return self.by_place.values()


def load(path: Path = FILE) -> Policy:
    """The working tree's policy. Raises FactoryError naming each key that is wrong."""
    if not path.exists():
        return Policy()
    _refuse_hidden_lines(path.read_bytes().decode(errors="replace"), str(path))
    return sections.read(path, _policy)


def parse(text: str | None, place: str) -> Policy:
    """The policy in the text; without a text, the default. Raises FactoryError naming place and key."""
    _refuse_hidden_lines(text or "", place)
    return sections.parse(text or "", place, _policy)


def _policy(content: Any) -> Policy:
    return Policy.model_validate({} if content is None else content)


def _refuse_hidden_lines(text: str, place: str) -> None:
    if match := HIDDEN.search(text):
        raise FactoryError(f"{place}: has the character U+{ord(match[0]):04X}, which ends a line unseen: remove it")


def _is_below(path: str, pattern: str) -> bool:
    """Whether the pattern is of the file, or of a folder above it; `*` stands for what is between two slashes."""
    expression = re.escape(pattern.strip("/")).replace(r"\*", "[^/]*")
    return re.fullmatch(f"{expression}(/.*)?", path) is not None
