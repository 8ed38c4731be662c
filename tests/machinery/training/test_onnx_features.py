"""Expressions as a graph: the features have the bits that polars gives them, or there is no graph."""

import operator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from late_flights.factory.scoring import onnx_sessions, scorer
from late_flights.factory.scoring.feature_graph import FeatureGraph
from late_flights.factory.training.onnx import operators
from late_flights.factory.training.onnx.features import feature_graph, translate

KINDS = ["a", "b", "c"]
c = pl.col


class Row(dy.Schema):
    x = dy.Float64(nullable=True)
    y = dy.Float64()
    f = dy.Float32(nullable=True)
    i = dy.Int8(nullable=True)
    j = dy.Int16()
    k = dy.Int64(nullable=True)
    u = dy.UInt8(nullable=True)
    p = dy.Bool(nullable=True)
    q = dy.Bool()
    e = dy.Enum(KINDS, nullable=True)
    t = dy.Datetime(nullable=True)
    z = dy.Datetime(time_zone="Europe/Berlin")
    d = dy.Date()
    s = dy.String()


def sample(height=600):
    random = np.random.default_rng(0)
    small = random.random(height) < 0.3

    def floats():
        wide = random.normal(size=height) * 10.0 ** random.integers(-3, 5, height)
        return np.where(small, random.integers(-3, 4, height), wide).tolist()

    def whole(low, high):
        return np.where(small, random.integers(max(low, -3), 4, height), random.integers(low, high, height)).tolist()

    days = [datetime(1900, 1, 1) + timedelta(seconds=int(s)) for s in random.integers(0, 6 * 10**9, height)]
    values = {
        "x": floats(), "y": floats(), "f": np.float32(floats()).tolist(), "i": whole(-128, 128), "j": whole(-(2**15), 2**15),
        "k": whole(-(2**60), 2**60), "u": whole(0, 256), "p": (random.random(height) < 0.5).tolist(), "q": small.tolist(),
        "e": random.choice(KINDS, height).tolist(), "t": days, "z": [day.replace(tzinfo=UTC) for day in days], "d": days[::-1], "s": ["s"] * height,
    }  # fmt: skip
    gaps = {name: random.random(height) < (0.2 if column.nullable else 0) for name, column in Row.columns().items()}
    return pl.DataFrame(
        {name: [None if gap else v for gap, v in zip(gaps[name], values[name], strict=True)] for name in values},
        schema=Row.create_empty().schema,
    )


ROWS = sample()
TRANSLATED = {
    "raw": lambda r: r.select("x", "y", "f", "i", "j", "u", "p", "q", "e"),
    "parts of a time": lambda r: r.select(getattr(c("t").dt, name)().alias(name) for name in (
        "year", "quarter", "month", "week", "weekday", "ordinal_day", "day", "hour", "minute", "second"
    )),
    "parts of a date": lambda r: r.select(c("d").dt.year() - c("i"), hour=c("z").dt.hour(), week=c("d").dt.week(), day=c("d").dt.ordinal_day()),
    "arithmetic": lambda r: r.select("x", a=c("x") + c("y") * 2, b=-c("x") / c("y"), d=1 / c("y"), e=c("i") / 60, f=c("j") / c("u")),
    "integers": lambda r: r.select(a=c("i") + 100, b=c("u") - 1, d=-c("i"), e=c("i") * c("j"), f=c("i").abs(), g=c("k") + 1),
    "functions": lambda r: r.select(a=c("x").abs().sqrt(), b=c("x").log(), d=c("x").sin(), e=c("y").cos(), f=c("x").floor(), g=c("y").ceil(), h=c("i").sqrt()),
    "unknown": lambda r: r.select(a=c("x").is_null(), b=c("i").fill_null(7), d=pl.coalesce("x", "i", "y"), e=c("p").is_not_null(), f=(c("x") / c("y")).fill_null(3), g=c("p").fill_null(c("q")), h=c("e").fill_null("a")),
    "choices": lambda r: r.select(a=pl.when(c("p")).then("x").otherwise("y"), b=pl.when(c("x") > 0).then(c("i")), d=pl.when(c("i") > 0, c("q")).then(c("e")).when(c("y") > 1).then(None).otherwise(pl.lit("b", pl.Enum(KINDS))), e=pl.when(c("q")).then(c("p")).otherwise(None)),
    "logic": lambda r: r.select(a=c("p") & (c("x") > 0), b=c("p") | (c("i") == 1), d=~c("p"), e=(c("x") != c("y")) & ~(c("j") <= 3), f=c("p") == c("q")),
    "members": lambda r: r.select(a=c("e").is_in(["a", "c"]), b=c("i").is_in([1, 2]), d=c("x").is_between(-1, c("y")), e=c("j").is_between(0, 3, closed="left"), f=c("e") == "b", g=c("e") != "c", i=c("e") > "a", h=c("x").is_in([1.0, 2.0])),
    "casts": lambda r: r.select(a=c("p").cast(pl.Int8) + 1, b=c("i").cast(pl.Float64) / c("x"), d=c("f").cast(pl.Float64) + 1, e=c("i") + c("j"), f=c("u") + c("x")),
    "columns": lambda r: r.with_columns(z=c("x") * 2, x=c("y")).with_columns(v=c("z") + c("x")).drop("t", "z", "d", "s", "k"),
    "shared": lambda r: r.select(a=(c("x") + c("y")).abs() * 2, b=(c("x") + c("y")).abs() / c("i")),
}  # fmt: skip
LEFT_TO_POLARS = {
    "other rows": lambda r: r.select(c("x") - c("x").mean()),
    "previous row": lambda r: r.select(c("x").shift()),
    "other order": lambda r: r.sort("x").select("x"),
    "fewer rows": lambda r: r.filter(c("x") > 0).select("x"),
    "singles": lambda r: r.select(c("f") * 2),
    "truncated": lambda r: r.select(c("x").cast(pl.Int8, strict=False)),
    "python": lambda r: r.select(c("y").map_batches(lambda y: y.floor())),
    "text": lambda r: r.select(c("s").str.len_bytes()),
    "eager": lambda r: r.select(pl.Series(r["x"])),
    "bits": lambda r: r.select(c("i") & 3),
    "part of a made time": lambda r: r.select(c("t").dt.offset_by("1h").dt.hour()),
    "constant": lambda r: r.select("x", a=pl.lit(1)),
    "not a number": lambda r: r.select(pl.when(c("x") > 0).then(c("x")).otherwise(float("nan")).is_null()),
    "infinite": lambda r: r.select(pl.when(c("x") > 0).then(float("inf")).otherwise(c("y")) - c("y")),
    "other logarithm": lambda r: r.select(c("y").log(10)),
}


def check(features):
    """The share of rows that are valid in the graph, whose features are polars'; so are those of each row alone."""
    graph = FeatureGraph(onnx_sessions.load(translate(ROWS, features, Row)), Row)
    computed, valid = graph(ROWS.rows())
    np.testing.assert_array_equal(computed[valid], scorer.matrix(features(ROWS))[valid])
    for i in range(20):
        np.testing.assert_array_equal(graph(ROWS[i].rows())[0], computed[i : i + 1])
    return valid.mean()


@pytest.mark.parametrize("name", TRANSLATED)
def test_translated_expressions(name):
    assert check(TRANSLATED[name]) > 0.1
    assert feature_graph(ROWS, TRANSLATED[name], Row)


@pytest.mark.parametrize("name", LEFT_TO_POLARS)
def test_expressions_left_to_polars(name):
    assert feature_graph(ROWS, LEFT_TO_POLARS[name], Row) is None


NUMBERS = st.sampled_from("xyijku").map(pl.col)
BOOLEANS = st.sampled_from("pq").map(pl.col)
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, pl.coalesce, pl.Expr.fill_null]
UNARY = [operator.neg, pl.Expr.abs, pl.Expr.sqrt, pl.Expr.floor, lambda a: a.cast(pl.Float64)]
COMPARED = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


def deeper(numbers, booleans):
    """Expressions a level deeper: numbers, and booleans."""
    second = numbers | st.sampled_from([0, 1, -1, 2, 7, 60, 0.5, -0.1, 1e6]).map(pl.lit)
    return (
        numbers
        | st.builds(lambda f, a, b: f(a, b), st.sampled_from(BINARY), numbers, second)
        | st.builds(lambda f, a: f(a), st.sampled_from(UNARY), numbers)
        | st.builds(lambda p, a, b: pl.when(p).then(a).otherwise(b), booleans, numbers, second)
        | booleans.map(lambda p: p.cast(pl.Int8)),
        booleans
        | st.builds(lambda f, a, b: f(a, b), st.sampled_from(COMPARED), numbers, second)
        | st.builds(lambda f, a, b: f(a, b), st.sampled_from([operator.and_, operator.or_]), booleans, booleans)
        | st.builds(lambda a, b: a.is_between(-1, b), numbers, second)
        | (numbers | booleans).map(pl.Expr.is_null)
        | booleans.map(operator.invert),
    )


@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(*deeper(*deeper(*deeper(NUMBERS, BOOLEANS)))), min_size=1, max_size=3))
def test_random_expressions(expressions):
    named = [expression.alias(str(i)) for i, expression in enumerate(expressions)]
    with suppress(operators.UnknownExpression, KeyError, ValueError, pl.exceptions.PolarsError):
        check(lambda r: r.select("y", *named))
