"""Whatever the format, the scores are the scorer's; what the OpenAPI document promises is so."""

import io

import polars as pl
import pytest
from late_flights.factory.scoring.scorer import Scorer
from tests.factory import toy

from machinery.serving.service_client import ARROW, CSV, INFER, MODEL, arrow, csv, records, rows, serving, tensors


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_scores_are_the_scorers_in_every_format(trained, problem):
    with serving() as client:
        for height in (1, 40):
            table = rows(height, problem)
            expected = Scorer.load().score(table)

            response = client.post(records(table))
            assert response.json()["model"] == response.headers["x-model-version"] == client.get("/version").json()["version"]
            assert response.json()["scores"] == [record(row) for row in expected.to_dicts()]
            assert client.post(records(table)[0]).json()["scores"] == response.json()["scores"][:1]

            assert pl.read_ipc_stream(io.BytesIO(client.post(arrow(table), ARROW).body)).equals(expected)
            assert pl.read_csv(client.post(csv(table), CSV).body).equals(expected)

            outputs = client.post({"inputs": tensors(table)}, path=INFER).json()["outputs"]
            assert {output["name"]: output["data"] for output in outputs} == expected.drop("key").to_dict(as_series=False)
            described = client.get(MODEL).json()["outputs"]
            assert [(o["name"], o["datatype"]) for o in outputs] == [(o["name"], o["datatype"]) for o in described]


def record(row):
    """A row of scores as JSON has it."""
    score = {"id": row["key"], "score": row["score"], "decision": row.get("decision")}
    each = {name.removeprefix("probability_"): row[name] for name in row if name.startswith("probability_")}
    return score | ({"probabilities": each} if each else {})


def test_no_rows_no_scores(client):
    assert client.post([]).json()["scores"] == []
    assert pl.read_ipc_stream(io.BytesIO(client.post(arrow(rows(0)), ARROW).body)).height == 0


def test_cpu_time_of_tables_is_counted(client):
    before = client.metric('factory_cpu_seconds_total{caller="unnamed"}')
    client.post(arrow(rows(100_000)), ARROW)
    assert client.metric('factory_cpu_seconds_total{caller="unnamed"}') > before + 0.01


def test_document_shows_the_contract_and_an_example_that_works(client):
    record = client.get("/openapi.json").json()["components"]["schemas"]["Record"]
    assert record["properties"]["amount"].items() >= {"type": "number", "minimum": 0, "maximum": 100}.items()
    assert record["properties"]["kind"]["enum"] == ["red", "green", "blue"]
    assert record["additionalProperties"] is False and set(record["required"]) == set(record["properties"])
    (example,) = record["examples"]
    assert client.post(example).status == 200
    assert client.get("/docs").status == 200


def test_version_shows_what_serves(client):
    manifest, version = Scorer.load().manifest, client.get("/version").json()
    assert version["data"] == manifest["data"]["train"] and version["features"] == manifest["features"]
    assert version["challenger"] is None
