"""POST /forecast: the horizon of a history, the same as `factory score` writes, in every format."""

import io
import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory.scoring.scorer import Scorer
from late_flights.factory.serving import auth
from tests.factory.cli_runner import run

from machinery import series
from machinery.conftest import play
from machinery.scoring.test_forecasts import ALL, HISTORY, LAST
from machinery.serving.service_client import ARROW, CSV, arrow, csv, serving

PATH = "/forecast"


@pytest.fixture
def problem():
    return "forecasting"


@pytest.fixture(scope="module")
def service(built, tmp_path_factory):
    """A client of a service that forecasts; its project is the current folder."""
    folder = tmp_path_factory.mktemp("forecasts")
    with pytest.MonkeyPatch.context() as patch:
        play(patch, folder, "forecasting")
        shutil.copytree(built("forecasting"), folder, dirs_exist_ok=True)
        with serving() as client:
            yield client


def records(table, optional=True):
    """Observations as clients send them: what is not known may be left out."""
    rows = [{**row, "hour": row["hour"].isoformat()} for row in table.to_dicts()]
    return [{name: value for name, value in row.items() if value is not None or not optional} for row in rows]


@pytest.mark.parametrize("problem", ["regression"])
def test_other_problems_have_no_such_route(trained):  # first, as the service below has its own contract
    with serving() as client:
        assert client.post([], path=PATH).status == 404
        assert PATH not in client.get("/openapi.json").json()["paths"]


def test_the_service_and_a_batch_agree_to_the_bit_in_every_format(service):
    ALL.write_parquet("history.parquet")
    assert run("score", "history.parquet", "forecasts.parquet").exit_code == 0
    batch = pl.read_parquet("forecasts.parquet")
    assert pl.read_ipc_stream(io.BytesIO(service.post(arrow(ALL), ARROW, PATH).body)).equals(batch)
    assert pl.read_csv(service.post(csv(ALL), CSV, PATH).body)["score"].equals(batch["score"])
    for optional in (True, False):
        response = service.post(records(ALL, optional), path=PATH)
        assert response.json()["forecasts"] == [
            {**row, "hour": row["hour"].isoformat(), "origin": row["origin"].isoformat()} for row in batch.to_dicts()
        ]
        assert response.json()["model"] == response.headers["x-model-version"]
    for shop in series.SHOPS:
        one = service.post(records(ALL.filter(pl.col("shop") == shop)), path=PATH).json()["forecasts"]
        assert [each["score"] for each in one] == batch.filter(pl.col("shop") == shop)["score"].to_list()


def test_the_document_describes_forecasts_and_its_example_is_one(service):
    document = service.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    found = service.post(records(ALL), path=PATH).json()["forecasts"][0]
    assert schemas["Forecast"]["properties"].keys() - {"explanation"} == found.keys()
    assert set(schemas["Observation"]["required"]) == {"shop", "hour"}
    body = document["paths"][PATH]["post"]["requestBody"]["content"]["application/json"]
    example = service.post(body["example"], path=PATH)
    assert example.status == 200 and len(example.json()["forecasts"]) == 6
    assert service.get("/").json()["forecast"] == "POST /forecast"


def test_forecasts_are_captured_as_the_rows_that_were_scored(trained):
    with serving(CAPTURE="kept") as client:
        client.post(records(ALL), path=PATH)
    log = pl.concat([pl.read_parquet(path) for path in Path("kept").glob("*/*.parquet")])
    model = Scorer.load()
    assert log.height == 18 and log["_row"].to_list() == [*range(18)]
    rows = log.select(series.Row.column_names())
    assert log["_score"].equals(model.score(rows)["score"].alias("_score"))
    assert log["step"].to_list() == [1, 2, 3, 4, 5, 6] * 3 and log["naive"].null_count() == 0


def test_forecasts_are_explained_where_asked(service):
    found = service.post(records(ALL), path=f"{PATH}?explain=true").json()["forecasts"]
    for each in found:
        explanation = each["explanation"]
        assert explanation["typical"] + sum(explanation["contributions"].values()) == pytest.approx(each["score"], abs=1e-6)


REFUSED = {
    "history from after the origin": (ALL, f"?origin={LAST - timedelta(hours=2)}", 422, {"sales": "known after the origin"}),
    "not known ahead": (
        HISTORY,
        "",
        422,
        {"open": f"no value for hour {LAST + timedelta(hours=1)}, which has to be known ahead"},
    ),
    "bad value": (ALL.with_columns(sales=pl.col("sales") - 1e6), "", 422, {"sales": "0"}),
    "no such time": (ALL, "?origin=yesterday", 422, "origin: not a time"),
    "nothing known": (ALL.with_columns(sales=None), "", 422, "sales: no value is known"),
    "no rows": (ALL.clear(), "", 422, "sales: no value is known"),
    "twice": (pl.concat([ALL, ALL[:1]]), "", 422, "observations of the same time"),
    "off the grid": (
        ALL.with_columns(pl.col("hour") + pl.duration(minutes=(pl.int_range(pl.len()) == 3) * 7)),
        "",
        422,
        "is not a whole number of 1h from the other times",
    ),
    "neither true nor false": (ALL, "?explain=perhaps", 400, "explain"),
    "no such parameter": (ALL, f"?orgin={LAST}", 400, "query: no parameter orgin (did you mean 'origin'?)"),
    "a parameter twice": (ALL, f"?origin={LAST}&origin={LAST}", 400, "query: a parameter occurs twice"),
}


def test_parameters_of_gateways_are_not_ours(service):
    assert service.post(records(ALL), path=f"{PATH}?api-version=1&subscription-key=k&_=2&_=3").status == 200


@pytest.mark.parametrize("rows, query, status, expected", REFUSED.values(), ids=REFUSED)
def test_refusals(service, rows, query, status, expected):
    for body, kind in ((records(rows), "application/json"), (arrow(rows), ARROW)):
        response = service.post(body, kind, path=PATH + query.replace(" ", "T"))
        assert response.status == status, response.body
        assert b"params.yaml" not in response.body  # which no client has
        if isinstance(expected, dict):
            assert all(text in response.problems()[name] for name, text in expected.items())
        else:
            assert expected in response.json()["error"]


def test_what_is_sent_and_what_is_forecast_have_limits(trained):
    with serving(ROWS=17) as client:
        assert client.post(records(ALL), path=PATH).status == 413
        last = ALL.filter(pl.col("hour") == LAST)
        response = client.post(records(last), path=PATH)
        assert response.status == 413 and "rows to forecast" in response.json()["error"]
        assert client.post(records(ALL.filter(pl.col("hour") >= LAST, pl.col("shop") == "north")), path=PATH).status == 200


def test_callers_need_their_key_and_are_counted(trained, tmp_path):
    key, line = auth.new_key("shop")
    (tmp_path / "keys").write_text(f"{line}\n")
    with serving(KEYS=tmp_path / "keys") as client:
        assert client.post(records(ALL), path=PATH).status == 401
        assert client.post(records(ALL), path=PATH, X_API_Key=key).status == 200
        assert client.metric('factory_requests_total{caller="shop",route="/forecast",status="200"}') == 1
        assert client.metric('factory_rows_total{caller="shop"') == 18
        assert client.get("/openapi.json").json()["paths"][PATH]["post"]["security"] == [{"key": []}]
