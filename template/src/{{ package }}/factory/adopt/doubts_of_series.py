"""What is doubtful about the series of a table: whether to forecast them, what is known then, and what breaks them."""

from collections.abc import Iterator

from ..errors import listed
from ..evaluation.formatting import share
from . import forecast_roles, series_facts
from .forecasts import PROBLEM
from .proposal import Proposal
from .questions import Question, to_type
from .roles import KNOWN_AHEAD
from .target import USER_CHOICE

START_AGAIN = "correct the table, and start again"


def purpose(proposal: Proposal) -> Iterator[Question]:
    """Whether what comes next is to be predicted, and how far ahead."""
    found, target = proposal.forecast, proposal.target
    if found is None or not (found.is_likely or target.is_forecast):
        return
    series = found.series
    many = f"{series.count:,} series" if series.groups else "one series"
    evidence = f"{many} of {target.name} with about {series.typical:,} values, {series.step.every} apart"
    evidence += f", close to those before (correlation {found.memory:.2f})" if found.memory > 0 else ""
    if series.repeated:
        evidence += f"; {series.repeated:,} rows are at a time that their series has already"
    season = f", and a season of {found.season}" if found.season > 1 else ", and no season"
    ahead = f"{found.steps} ahead{season}"
    columns = (series.time, *series.groups)
    if not target.is_forecast:
        taken = f"no: {target.problem}, from what else is known of the same row"
        yield Question(columns, evidence, "Is what comes next to be predicted?", taken, f"problem = {PROBLEM}: {ahead}")
    elif target.why == USER_CHOICE:
        yield Question((), evidence, "How far ahead?", ahead, "horizon = STEPS, season = STEPS")
    else:
        otherwise = "problem = regression, or horizon = STEPS, season = STEPS"
        yield Question(columns, evidence, "Is what comes next to be predicted?", f"yes: {ahead}", otherwise)


def known_ahead(proposal: Proposal) -> Iterator[Question]:
    """The columns of which only a person can say whether they are known for the times that are forecast."""
    names = tuple(role.name for role in forecast_roles.asked(proposal.roles))
    if names and proposal.target.is_forecast and proposal.forecast:
        evidence = f"{'vary' if len(names) > 1 else 'varies'} over time"
        question = f"Is it known {proposal.forecast.steps} ahead, as plans, prices and holidays are?"
        taken = "no: only the past is used"
        yield Question(names, evidence, question, taken, to_type(names, KNOWN_AHEAD))


def times(proposal: Proposal) -> Iterator[Question]:
    """Times that are missing, twice or between the steps."""
    found = proposal.forecast
    if found is None or not proposal.target.is_forecast:
        return
    series = found.series
    missing, steps = series_facts.gaps(series)
    if missing:
        days = series_facts.idle_weekdays(series)
        evidence = f"times without a row: {missing:,} of {steps:,} ({share(missing / steps)})"
        evidence += f", among them each {' and '.join(days)}" if days else ""
        otherwise = "add these rows with a zero, and start again"
        yield Question((series.time,), evidence, "Is that a zero?", "no: the value is unknown", otherwise)
    skipped, _ = series_facts.clock_changes(series)
    if skipped:
        evidence = f"{listed([f'{time:%Y-%m-%d %H:%M}' for time in skipped], 2)} is missing everywhere, as where clocks are set forward"
        taken = "yes, and the hour that they are set back has one value"
        yield Question(
            (series.time,), evidence, "Are these local times?", taken, "deliver times in UTC, or with the offset"
        )
    if others := series_facts.other_steps(series):
        evidence = listed([f"{count:,} series every {step}" for step, count in others.most_common()], 3)
        evidence = f"{evidence}, the others every {series.step.every}"
        taken = f"yes: every {series.step.every}, and what they do not have is unknown"
        yield Question(
            (series.time,), evidence, "Are they to be forecast alike?", taken, "adopt each step in a project of its own"
        )


def values(proposal: Proposal) -> Iterator[Question]:
    """Values of the target that may mean something else, and series of which little can be learnt."""
    found, name = proposal.forecast, proposal.target.name
    if found is None or not proposal.target.is_forecast:
        return
    series = found.series
    below, known = series_facts.negative(series)
    if below:
        evidence = f"{below:,} of {known:,} values of {name} are below zero"
        yield Question((), evidence, "Are they meant, such as returns?", "yes: they are used as they are", START_AGAIN)
    zeros = series_facts.share_of_zeros(series)
    if zeros > series_facts.INTERMITTENT:
        evidence = f"{share(zeros)} of the values of {name} are zero"
        taken = "yes, by squared errors: an absolute error is least for a forecast of zero"
        otherwise = "forecast longer steps, of which fewer are zero: add up the table"
        yield Question((), evidence, "Is the mean demand to be forecast?", taken, otherwise)
    same, zero = series_facts.unvarying(series)
    few = series_facts.short(series, found.season + found.horizon)
    counts = {
        f"one {name} throughout": same,
        "nothing but zeros": zero,
        "no more values than a season and the horizon": few,
    }
    if odd := [f"{what} in {count:,} series" for what, count in counts.items() if count]:
        taken = "yes: they are learnt from the others"
        yield Question(
            (), listed(odd, 3), "Do they belong here?", taken, "leave them out of the table, and start again"
        )
