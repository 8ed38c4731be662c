"""Run in an adopted project: its features and model against scikit-learn's defaults on a careful person's columns, as JSON.

All are fitted to the person's training rows and measured on the person's test rows: whole groups or blocks held out in
five folds, the last fifth in time, or five folds at random.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from adopted import contract, features
from adopted.factory import config
from adopted.factory.adopt import source
from adopted.factory.adopt.profile import profile
from adopted.factory.adopt.proposal import UserChoices, propose
from adopted.factory.data import prepare
from adopted.factory.metrics import definitions
from adopted.factory.scoring import artifact, scorer
from adopted.factory.training import estimator
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

MOST_CATEGORIES = 254  # of scikit-learn's histograms
DATES = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%m/%d/%Y", "%d-%b-%Y", "%Y/%m/%d")
MONTHS = ("%d-%b-%Y", "%d-%B-%Y")  # after the first of the month was put before
LAST = 0.2
"""The share of the rows that is the test in time."""

Part = tuple[np.ndarray, np.ndarray]


def compare(table: Path, person: dict[str, Any]) -> dict[str, Any]:
    """The figures of all three, and what the project does with the table's columns."""
    params = config.load()
    raw, rows = read(table), prepare.check(table, params)
    known = rows[params.data.target].is_not_null()
    raw, rows = raw.filter(known), rows.filter(known)
    target, classes = definitions.target_of(rows, params), len(definitions.classes_of(rows, params) or [])
    ours, theirs = features.features(rows), persons(raw, params.data.target, person)
    metric, inputs, columns = definitions.main_metric(params), scorer.matrix(ours), scorer.matrix(theirs)
    found: dict[str, list[float]] = {"ours": [], "reference": [], "linear": []}
    for train, test in parts(raw, target, person, params.problem):
        own = estimator.fit(inputs[train], target[train], params, ours.schema)
        usual = [kind(params.problem, theirs.schema).fit(columns[train], target[train]) for kind in (plain, linear)]
        for who, fitted, seen in zip(found, (own, *usual), (inputs, columns, columns), strict=True):
            found[who].append(float(metric(target[test], artifact.predictor(fitted, classes)(seen[test]))))
    facts = {who: float(np.mean(values)) for who, values in found.items()}
    facts |= {"metric": metric.name, "problem": params.problem, "sign": metric.direction}
    facts |= {"rows": raw.height, "columns": raw.width, "out": getattr(contract, "IGNORED", {}), "features": ours.columns}
    facts |= {"varied": [name for name in raw.columns if _varied(raw[name])]}
    data = params.data.model_dump()
    return facts | {name: data.get(name) for name in ("id", "repeats", "time", "sensitive")}


def asked(table: Path) -> list[tuple[str, ...]]:
    """The columns of each leak that adoption finds, and so asks about; none of them where it is the order of the rows."""
    rows = source.one_table([table])
    proposal = propose(profile(rows), rows, UserChoices(target=config.load().data.target))
    return [finding.columns for finding in proposal.findings]


def plain(problem: str, schema: pl.Schema) -> BaseEstimator:
    """Gradient boosting with default parameters."""
    categorical = [i for i, dtype in enumerate(schema.dtypes()) if dtype == pl.Enum]
    kind = HistGradientBoostingRegressor if problem == "regression" else HistGradientBoostingClassifier
    return kind(categorical_features=categorical, random_state=0)


def linear(problem: str, schema: pl.Schema) -> BaseEstimator:
    """A linear model with an effect of each category, and of each number's absence."""
    categorical = [i for i, dtype in enumerate(schema.dtypes()) if dtype == pl.Enum]
    numbers = [i for i in range(len(schema)) if i not in categorical]
    gaps = SimpleImputer(strategy="constant", fill_value=-1)
    each = make_pipeline(gaps, OneHotEncoder(handle_unknown="ignore", sparse_output=False))
    columns = make_column_transformer(
        (each, categorical), (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), numbers)
    )
    end = RidgeCV(np.logspace(-2, 4, 13)) if problem == "regression" else LogisticRegression(max_iter=1_000)
    return make_pipeline(columns, end)


def read(table: Path) -> pl.DataFrame:
    """The table as polars reads it."""
    kind = table.suffixes[0]
    if kind == ".parquet":
        return pl.read_parquet(table)
    if kind == ".jsonl":
        return pl.read_ndjson(table, infer_schema_length=None)
    tab = "\t" if kind == ".tsv" else ","
    return pl.read_csv(table, separator=tab, infer_schema_length=None, null_values=["", "NA"])


def persons(raw: pl.DataFrame, target: str, person: dict[str, Any]) -> pl.DataFrame:
    """The person's features: numbers, categories, and of dates the month, the weekday and the hour."""
    held = [] if person["split"] == "time" else [person["groups"]]
    out = {target, *held, *person["leaks"], *person["personal"]}
    return pl.DataFrame([column for name in raw.columns if name not in out for column in _columns(raw[name])])


def _columns(values: pl.Series) -> Iterator[pl.Series]:
    if (times := as_times(values)) is not None:
        parts = {"month": times.dt.month(), "weekday": times.dt.weekday(), "hour": times.dt.hour()}
        yield from (part.cast(pl.Float64).alias(f"{values.name} {what}") for what, part in parts.items())
    elif values.dtype.is_numeric() or values.dtype == pl.Boolean:
        yield values.cast(pl.Float64)
    elif values.dtype == pl.String and values.n_unique() <= MOST_CATEGORIES:
        yield values.cast(pl.Enum(values.drop_nulls().unique().sort()))


def as_times(values: pl.Series) -> pl.Series | None:
    """Dates and times, as they are or as text; None for anything else."""
    if values.dtype.is_temporal():
        return values.cast(pl.Datetime)
    if values.dtype != pl.String:
        return None
    read = [values.str.to_datetime(form, strict=False) for form in DATES]
    read += [("1-" + values).str.to_datetime(form, strict=False) for form in MONTHS]
    best = min(read, key=pl.Series.null_count)
    return best if best.null_count() == values.null_count() < len(values) else None


def parts(raw: pl.DataFrame, target: np.ndarray, person: dict[str, Any], problem: str) -> Iterator[Part]:
    """Training and test rows as the person would choose them."""
    rows = np.arange(raw.height)
    if person["split"] == "time":
        keys = [_rank(raw[name]) for name in reversed(person["time"])]
        newest = _rank(pl.Series(np.lexsort(keys).argsort())) if len(keys) > 1 else keys[0]
        last = newest > min(np.quantile(newest, 1 - LAST, method="lower"), newest.max() - 1)
        yield rows[~last], rows[last]
    elif person["split"] in ("groups", "order"):
        entity = raw[person["groups"]].cast(pl.String).fill_null("").to_numpy() if person["groups"] else rows // person["order"]
        yield from GroupKFold(5, shuffle=True, random_state=0).split(rows, groups=entity)
    elif problem == "regression":
        yield from KFold(5, shuffle=True, random_state=0).split(rows)
    else:
        yield from StratifiedKFold(5, shuffle=True, random_state=0).split(rows, target)


def _rank(values: pl.Series) -> np.ndarray:
    times = as_times(values)
    return (values if times is None else times).rank("dense").to_numpy()


def _varied(values: pl.Series) -> bool:
    """Whether a person would think of it as a feature: neither constant nor a text of very many values."""
    return values.n_unique() > 1 and (values.dtype != pl.String or values.n_unique() <= MOST_CATEGORIES)


if __name__ == "__main__":
    adopted_table = Path(sys.argv[1])
    json.dump(compare(adopted_table, json.loads(sys.argv[2])) | {"asked": asked(adopted_table)}, sys.stdout)
