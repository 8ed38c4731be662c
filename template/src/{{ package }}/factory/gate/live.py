"""Challenger against champion on live rows: how they agree on the same requests, and with outcomes the gate's own paired test."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from .. import manifest
from ..config import Params
from ..data.captures import complete
from ..errors import CannotEvaluate
from ..evaluation.formatting import number, share
from ..metrics import definitions
from ..monitoring import captures, outcomes, performance
from ..monitoring.outcomes import OUTCOME
from ..registry import champion
from ..registry.versions import Version
from ..scoring.predictions import PROBABILITY
from . import checks, compare, data_checks
from .evidence import Check, Evidence
from .result import GateResult

CODE = "LIVE"
PAIR = ("_request", "_caller", "_row")
QUANTILES = 0.05, 0.5, 0.95
THEIRS = "champion: "  # before the names of the champion's columns


def judge(params: Params, previous: list[Version], places: Sequence[str], until: date) -> GateResult:
    """Check the working tree's model against the last of the versions on captured rows. Raises CannotEvaluate."""
    version, reference = compare.reference_model(params, previous, None)
    if version is None:
        raise CannotEvaluate(CODE, "no version has been promoted yet, with which to compare this model on live rows")
    model = manifest.model_id()
    if version.facts["model"] == model:
        raise CannotEvaluate(CODE, f"this model is the champion, {version.name}: there is nothing to compare")
    pairs = _pairs(params, version, _names(model, previous), _names(version.facts["model"], previous), places, until)
    if pairs.is_empty():
        raise CannotEvaluate(
            CODE,
            f"no captured row was scored by this model ({model[:12]}): serve it with FACTORY_CHALLENGER=model and "
            "FACTORY_SHADOW=true (docs/serving.md), and name the captures",
        )
    found = [_agreement(pairs), _distribution(pairs), *_tested(pairs, params, until)]
    return GateResult(model, reference, None, found, rows=pairs.height, problem=params.problem, kind="live rows")


def judged_too(result: GateResult, params: Params, previous: list[Version], places: Sequence[str]) -> GateResult:
    """The gate's result together with that on live rows, which a policy requires. Raises CannotEvaluate."""
    version, _ = compare.reference_model(params, previous, result.accepted)
    if version is None:  # another target, which somebody accepted
        return result
    live = judge(params, previous, places, datetime.now(UTC).date())
    return replace(result, checks=[*result.checks, *live.checks])


def _names(model: str, previous: Collection[Version]) -> set[str]:
    """How services call the model: by a version of it, or by the first digits of its hash."""
    return {model[:12], *(each.name for each in previous if not each.problem and each.facts["model"] == model)}


def _pairs(
    params: Params, version: Version, ours: set[str], theirs: set[str], places: Sequence[str], until: date
) -> pl.DataFrame:
    """The rows that both have scored, with outcomes; if there are none, those of the challenger, scored by the champion now."""
    known, both, alone = outcomes.read(params), list[pl.DataFrame](), list[pl.DataFrame]()
    for day in captures.days(places, until):
        tables = [*((model, rows) for (model, _), rows in day.tables.items()), *day.shadow.items()]
        asked = [known.join(rows).with_columns(_day=pl.lit(day.date)) for model, rows in tables if model in ours]
        answered = [rows.select(*PAIR, *_scores(rows, THEIRS)) for model, rows in tables if model in theirs]
        if asked and answered:
            challenger, champions = (
                pl.concat(each, how="diagonal_relaxed").unique(PAIR, keep="first", maintain_order=True)
                for each in (asked, answered)
            )
            both.append(_challengers(challenger, params).join(champions, on=PAIR, maintain_order="left"))
        alone += [] if any(each.height for each in both) else asked
    if any(each.height for each in both):
        return pl.concat(both, how="diagonal_relaxed")
    return _scored_now(pl.concat(alone, how="diagonal_relaxed"), version, params) if alone else pl.DataFrame()


def _scored_now(rows: pl.DataFrame, version: Version, params: Params) -> pl.DataFrame:
    """The challenger's rows with the scores that the champion gives them now. Raises CannotEvaluate."""
    if params.forecast:
        raise CannotEvaluate(
            CODE,
            "captures of forecasts hold no observations, of which the champion could make rows of its own: serve this model in the "
            "champion's shadow, with FACTORY_CHALLENGER=model and FACTORY_SHADOW=true (docs/serving.md), so that both score each row",
        )
    asked = rows.select(name for name in rows.columns if not name.startswith("_"))
    scored = champion.scores(version, complete(asked, params.data.id)).drop(params.data.id or [], strict=False)
    return _challengers(rows, params).hstack(scored.rename(lambda name: THEIRS + name))


def _challengers(rows: pl.DataFrame, params: Params) -> pl.DataFrame:
    id = [pl.col(params.data.id).cast(pl.String)] if params.data.id in rows.columns else []
    series = [*params.forecast.keys, performance.SCALE] if params.forecast else []
    return rows.select(*PAIR, "_day", OUTCOME, *id, *series, *_scores(rows, ""))


def _scores(rows: pl.DataFrame, prefix: str) -> list[pl.Expr]:
    names = [name for name in rows.columns if name in ("_score", "_decision") or name.startswith(f"_{PROBABILITY}")]
    return [pl.col(name).alias(prefix + name[1:]) for name in names]


def _agreement(pairs: pl.DataFrame) -> Check:
    ours, theirs = (pairs[name].to_numpy() for name in ("score", f"{THEIRS}score"))
    rank = pairs.select(pl.corr("score", f"{THEIRS}score", method="spearman")).item()
    note = f"they differ by {number(float(np.abs(ours - theirs).mean()))} on average, rank correlation {number(rank)}"
    decisions = [pairs[name] for name in ("decision", f"{THEIRS}decision") if name in pairs.columns]
    if len(decisions) == 2 and not any(each.null_count() for each in decisions):
        note = f"the same decision for {share(float((decisions[0] == decisions[1]).to_numpy().mean()))}; {note}"
    return Check(CODE, "agreement with the champion's scores", None, "", True, note=note, judged=False)


def _distribution(pairs: pl.DataFrame) -> Check:
    figures = ["mean and quantiles 5%, 50%, 95%"]
    for name, column in (("challenger", "score"), ("champion", f"{THEIRS}score")):
        values = pairs[column].to_numpy()
        shown = [values.mean(), *np.quantile(values, QUANTILES)]
        figures.append(f"{name} {', '.join(number(float(value)) for value in shown)}")
    return Check(CODE, "distribution of the scores", None, "", True, note="; ".join(figures), judged=False)


def _tested(pairs: pl.DataFrame, params: Params, until: date) -> Iterator[Check]:
    """The gate's test of non-inferiority on the rows whose outcomes are due, and whether they are enough for it."""
    labelled = _due(pairs, params, until).drop_nulls(OUTCOME)
    covered = labelled.height / pairs.height
    note = f"{number(labelled.height)} of {number(pairs.height)} rows, {share(covered)}, have an outcome that is due"
    named = labelled.rename({OUTCOME: params.data.target})
    outcome = definitions.target_of(named, params)
    if not labelled.height or np.ptp(outcome) == 0:
        yield Check(
            CODE, "rows with outcomes, not all the same", labelled.height, f"≥ {data_checks.MIN_ROWS}", False, note=note
        )
        return
    facts = {"classes": definitions.classes_of(named, params)}
    theirs = {name: name.removeprefix(THEIRS) for name in labelled.columns if name.startswith(THEIRS)}
    evidence = Evidence(
        params=_grouped(labelled, params),
        test=labelled,
        target=outcome,
        challenger=compare.as_predictions(labelled.drop(list(theirs)), facts),
        champion=compare.as_predictions(labelled.select(list(theirs)).rename(theirs), facts),
        baseline=0,
        latency_ms=0,
        size_mb=0,
        parity=None,
        tolerance=0,
        contract_changed=False,
    )
    for check in (*data_checks.small_test(evidence), *checks.not_worse_than_champion(evidence)):
        yield replace(check, code=CODE, what=check.what.replace("test rows", "live rows"), note=check.note or note)


def _due(pairs: pl.DataFrame, params: Params, until: date) -> pl.DataFrame:
    """The rows of days that are judged, as those of monitoring are: of others the outcomes that come first may be alike."""
    covered = pl.col(OUTCOME).is_not_null().mean().over("_day") >= performance.COVERAGE
    return pairs.filter(covered | (pl.lit(until) - pl.col("_day") >= timedelta(days=params.monitor.label_days)))


def _grouped(labelled: pl.DataFrame, params: Params) -> Params:
    """The parameters, by which rows of one id are resampled together where several are."""
    id = params.data.id if params.data.id in labelled.columns else None
    repeats = bool(id) and bool(labelled[f"{id}"].is_duplicated().any())
    return params.model_copy(update={"data": params.data.model_copy(update={"id": id, "repeats": repeats})})
