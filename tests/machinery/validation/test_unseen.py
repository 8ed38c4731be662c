"""Categories that the contract does not have: refused, unknown or another one, counted, and limited in a delivery."""

import io
import json
from collections import Counter

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.formats import odcs
from late_flights.factory.scoring import batch
from late_flights.factory.serving import messages, responses
from late_flights.factory.serving import parsing as requests
from late_flights.factory.validation import parsing, rules, unseen

COLOURS = ["red", "green", "other"]


class Row(dy.Schema):
    plain = dy.Enum(COLOURS)
    open = dy.Enum(COLOURS, nullable=True, metadata={"unseen": "unknown", "unseen_limit": 0.1})
    rest = dy.Enum(COLOURS, metadata={"unseen": "other"})


def rows(count, **changed):
    return pl.DataFrame([{"plain": "red", "open": "red", "rest": "red"} | changed] * count)


def test_refused_unless_the_column_says_otherwise():
    with pytest.raises(errors.ContractViolation, match="plain: not one of red, green, other"):
        parsing.cast(rows(1, plain="pink"), Row)


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["pink", "red", "blue"])])
def test_unknown_or_another_category_and_counted(dtype):
    table = pl.concat([rows(2, open="pink", rest="blue"), rows(3)]).with_columns(pl.col("open", "rest").cast(dtype))
    with unseen.counting() as tally:
        cast = rules.validate(table, Row)
    assert cast["open"].to_list() == [None, None, "red", "red", "red"]
    assert cast["rest"].to_list() == ["other", "other", "red", "red", "red"]
    assert tally == {"open": {"pink": 2}, "rest": {"blue": 2}}


def test_missing_values_are_not_counted(monkeypatch):
    monkeypatch.setattr(parsing.contract, "MISSING", ["?"], raising=False)
    with unseen.counting() as tally:
        parsing.cast(pl.concat([rows(1, open="?"), rows(1, open=None)]), Row)
    assert not tally


@pytest.mark.parametrize("count, refused", [(100, False), (130, False), (160, True)])
def test_limit_leaves_room_for_chance_in_a_small_delivery(count, refused):
    tally = unseen.Tally(Counter, {"open": Counter(Pink=count, grene=1)})
    assert bool(unseen.violations(tally, Row, 1_000)) == refused
    assert not unseen.violations(unseen.Tally(Counter, {"open": Counter(pink=5)}), Row, 10)


def test_message_names_values_and_what_may_be_meant():
    tally = unseen.Tally(Counter, {"open": Counter({"RED": 400, "greeen": 9, "blue": 2, "sea": 1})})
    (violation,) = unseen.violations(tally, Row, 1_000)
    assert str(violation) == (
        "open: 412 of 1,000 rows have unseen categories, 'RED' 400 (did you mean 'red'?), "
        "'greeen' 9 (did you mean 'green'?), 'blue' 2, 1 others: above unseen_limit"
    )
    assert [*unseen.messages(unseen.Tally(Counter, rest=Counter(blue=2)), Row, 100)] == [
        "rest: 2 of 100 rows have unseen categories, 'blue' 2: taken as other"
    ]


def test_many_different_values_are_not_kept():
    with unseen.counting() as tally:
        unseen.note("open", map(str, range(2 * unseen.MOST_KEPT)))
    assert len(tally["open"]) == unseen.MOST_KEPT + 1 and tally["open"].total() == 2 * unseen.MOST_KEPT


def test_policy_that_is_none():
    class Wrong(dy.Schema):
        colour = dy.Enum(COLOURS, metadata={"unseen": "ignore"})

    with pytest.raises(errors.FactoryError, match=r"unseen='ignore': write 'refuse', 'unknown' or a category"):
        parsing.cast(pl.DataFrame({"colour": ["red"]}), Wrong)


def test_requests():
    one, _ = requests.record_adapters(Row)
    with unseen.counting() as tally:
        record = one.validate_python({"plain": "red", "open": "pink", "rest": "blue"})
    assert record == {"plain": "red", "open": None, "rest": "other"} and tally["open"].total() == 1
    for wrong in ({"open": 3}, {"plain": "pink"}, {"rest": None}):
        with pytest.raises(ValueError, match="validation error"):
            one.validate_python({"plain": "red", "open": "red", "rest": "red"} | wrong)
    fields = one.json_schema()["properties"]
    assert fields["plain"]["enum"] == COLOURS and fields["rest"] == {"examples": COLOURS, "type": "string", "title": "Rest"}
    assert fields["open"]["anyOf"] == [{"examples": COLOURS, "type": "string"}, {"type": "null"}]


def test_data_contract_allows_as_many():
    allowed = [next(odcs._allowed_values(column)) for column in Row.columns().values()]
    assert [each.get("mustBeLessOrEqualTo", each.get("mustBe")) for each in allowed] == [0, 10, 5]


class Model:
    """Casts the rows, and scores each 0.5."""

    def __init__(self):
        self.manifest = {"id": None, "target": "late", "problem": "regression", "threshold": None, "classes": None}
        self.version = "abc"

    def score(self, rows):
        table = rules.frame(rows, Row) if isinstance(rows, list) else parsing.cast(rows, Row)
        return None, np.full(table.height, 0.5)


@pytest.fixture
def contract(monkeypatch):
    monkeypatch.setattr(parsing.contract, "Row", Row)
    monkeypatch.setattr(parsing.contract, "LabelledRow", Row)


@pytest.mark.parametrize("kind", [responses.JSON, responses.CSV])
@pytest.mark.parametrize("count, told", [(1, None), (80, "80")])
def test_service_counts_them_and_tells_where_they_are_too_many(contract, kind, count, told):
    table = pl.concat([rows(count, open="pink"), rows(100 - count)])
    body = table.write_csv() if kind == responses.CSV else json.dumps(table.to_dicts())
    reply = responses.respond(Model(), responses.Request(kind, [body.encode()], 1000), lambda: 0)
    assert reply.status == 200 and reply.unseen == {"open": count} and reply.headers.get(responses.UNSEEN) == told
    message = messages.read(io.BytesIO(b"".join(reply.encode(responses.Request(kind, [], 1000)))))
    assert responses.Reply.decode(*next(iter(message))).unseen == {"open": count}


def test_scored_file_names_them(contract, tmp_path, caplog):
    class Scorer(Model):
        def score(self, table):
            return pl.DataFrame({"score": super().score(table)[1]})

    pl.concat([rows(3, open="pink"), rows(97)]).write_csv(tmp_path / "rows.csv")
    assert batch.score_file(Scorer(), tmp_path / "rows.csv", tmp_path / "scores.csv") == 100
    assert "rows.csv: open: 3 of 100 rows have unseen categories, 'pink' 3: taken as unknown" in caplog.text
