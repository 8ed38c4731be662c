"""How long the pipeline that runs here will still take, by how long its stages took the last time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..errors import CannotEvaluate
from ..workspace import durations
from ..workspace.durations import STAGES


@dataclass(frozen=True)
class Forecast:
    """The stage that runs, for how long, and the seconds left for it and what follows; `late` where it takes longer than last."""

    stage: str
    elapsed: float
    left: float
    late: bool

    @property
    def ends(self) -> datetime:
        """When it will be done."""
        return datetime.now(UTC) + timedelta(seconds=self.left)


def forecast() -> Forecast:
    """That of what runs now. Raises CannotEvaluate where nothing does, or a stage has never ended here."""
    running, known = durations.running(), durations.taken()
    if running is None:
        raise CannotEvaluate("NOT_RUNNING", "no stage is running here")
    stages = STAGES[STAGES.index(running.stage) :] if running.pipeline else (running.stage,)
    if missing := [stage for stage in stages if stage not in known]:
        raise CannotEvaluate("NO_DURATION", f"{running.stage} is running; {', '.join(missing)} never ended here before")
    first, *others = (known[stage].now() for stage in stages)
    elapsed = running.seconds
    return Forecast(running.stage, elapsed, max(first - elapsed, 0) + sum(others), elapsed > first)
