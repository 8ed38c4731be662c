"""The runs that trained a model: those in the history, the experiments of DVC, and the one here; each with what it cost."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..config import Monitor
from ..dashboard import history
from ..dashboard.history import RUN, Cost, Made, Total
from ..registry.versions import PREFIX
from ..workspace import commits

EXPERIMENTS = "refs/exps/[0-9a-f][0-9a-f]/*/*"
"""Where DVC keeps experiments: by two letters and the rest of the commit that they began from, and their name."""


@dataclass(frozen=True)
class Run:
    """A run: the version that has its model, else the experiment or commit that has its record; and its cost, if recorded."""

    name: str
    kind: str  # version, experiment, commit, or here
    finished: datetime
    model: str
    cost: Cost | None


def read(made: list[Made], prices: Monitor) -> list[Run]:
    """Each run once, the oldest first."""
    versions = {each.record["model"]: each.name for each in reversed(made) if "model" in each.record}
    experiments = {commit: name.rpartition("/")[2] for name, commit in commits.refs(EXPERIMENTS)}
    places = {commit: ("commit", commit[:8]) for commit in commits.changing(RUN.as_posix(), f"{PREFIX}*")}
    places |= {commit: ("experiment", name) for commit, name in experiments.items()}
    contents = commits.contents([f"{commit}:./{RUN.as_posix()}" for commit in places])
    records = [(place, _parse(content)) for place, content in zip(places.values(), contents, strict=True)]
    runs = dict[tuple[datetime, str], Run]()
    for (kind, name), record in [*records, (("here", "not committed"), history.here())]:
        with suppress(KeyError, TypeError, ValueError):  # of an older release, or edited
            finished, model = datetime.fromisoformat(record["finished"]).astimezone(UTC), record["model_id"]
            own = ("version", versions[model]) if model in versions else (kind, name)
            runs.setdefault((finished, model), Run(own[1], own[0], finished, model, history.cost(record, prices)))
    return sorted(runs.values(), key=lambda run: run.finished)


def total(runs: Iterable[Run]) -> Total:
    """What the runs cost together."""
    return history.total(run.cost for run in runs)


def _parse(content: bytes | None) -> Mapping[str, Any]:
    with suppress(ValueError):
        record = json.loads(content or b"{}")
        return record if isinstance(record, dict) else {}
    return {}
