"""Columns of texts, and of several values with a separator: which of them help a model, by cross-validation."""

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..leakage.sample import SCORES, Sample
from ..training.texts import encoder
from .evidence import sample_of
from .profile import Column
from .roles import ColumnRole, is_free_text
from .target import Target

SEPARATORS = ("; ", ";", " | ", "|", ", ", ",")
SEPARATED, MOST_MEMBERS, LONGEST_MEMBER = 0.2, 200, 40  # of the texts; different members, and characters of one
MOST_ROWS, FOLDS = 5_000, 4
LEAST_GAIN = 0.005  # of a score that is at best 1
PERFECT = 0.99
FREE = "free text: "
"""The beginning of the reason for which such a column is excluded at first."""


def is_text(role: ColumnRole) -> bool:
    """Whether the model uses the column as text, or as a list of values."""
    return role.role == "feature" and is_free_text(role.column)


def separator(column: Column) -> str | None:
    """What separates the values of a list, if the texts are lists of some values that many of them have."""
    texts = column.sample.drop_nulls().unique()
    for mark in SEPARATORS:
        members = texts.str.split(mark).list.explode()
        lengths = members.str.len_chars()
        if (
            float(texts.str.contains(mark, literal=True).mean() or 0) >= SEPARATED  # type: ignore[arg-type]
            and members.n_unique() <= min(MOST_MEMBERS, len(texts) / 2)
            and not (lengths > LONGEST_MEMBER).any()
        ):
            return mark
    return None


def helpful(roles: Collection[ColumnRole], target: Target, id: Column | None) -> Iterator[ColumnRole]:
    """The columns of free texts that help to predict the target beside the features, as features, and those that predict it alone."""
    texts = [role for role in roles if role.role == "excluded" and role.why.startswith(FREE)]
    if not texts:
        return
    plain = [role.column for role in roles if role.role == "feature" and not is_free_text(role.column)]
    known, chosen = sample_of(plain, target, id)
    picked = np.sort(np.random.default_rng(0).permutation(known.rows)[:MOST_ROWS])
    base, rows = known.take(picked), chosen[picked]
    fold = _folds(base)
    for role in texts:
        values = role.column.sample.gather(rows)
        with_text = _beside(base, role.column, values)
        before, after = _scores(base, fold), with_text.scores(fold)
        if len(before) != len(after) or len(after) < 2:
            continue
        gains, score = after - before, SCORES[target.problem]
        if after.mean() > PERFECT > before.mean():
            yield replace(role, why=f"alone predicts {target.name}: {score} {after.mean():.3f}")
        elif gains.mean() > max(LEAST_GAIN, gains.std(ddof=1) / np.sqrt(len(gains))):
            yield replace(
                role, role="feature", why=f"{score} with it {after.mean():.2f}, without {max(before.mean(), 0):.2f}"
            )
            base = with_text


def code(column: Column) -> str:
    """The feature as code of features.py."""
    mark = separator(column)
    return f"pl.col({column.name!r}).str.split({mark!r})" if mark else repr(column.name)


def _beside(sample: Sample, column: Column, values: pl.Series) -> Sample:
    """The sample with the numbers that a model sees of the text."""
    mark = separator(column)
    texts = values.str.split(mark) if mark else values
    numbers = encoder(texts)(texts).astype(np.float64)
    return replace(sample, columns=sample.columns | {f"{column.name}: {i}": each for i, each in enumerate(numbers.T)})


def _folds(sample: Sample) -> NDArray[np.int64]:
    """Folds that keep together the rows of an id."""
    units = np.arange(sample.rows) if sample.together is None else sample.together
    codes = np.unique(units, return_inverse=True)[1]
    shuffled = np.random.default_rng(0).permutation(codes.max() + 1)
    return np.asarray(shuffled[codes] % FOLDS)


def _scores(sample: Sample, fold: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of the features so far; without any those of chance."""
    if sample.columns:
        return sample.scores(fold)
    chance = 0.0 if sample.problem == "regression" else 0.5
    measured = [n for n in np.unique(fold) if np.ptp(sample.target[fold == n]) and np.ptp(sample.target[fold != n])]
    return np.full(len(measured), chance)
