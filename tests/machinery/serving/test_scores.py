"""In every format, the scores are the scorer's, as the OpenAPI document describes them."""

import io
import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory.scoring.scorer import Scorer
from tests.factory import toy

from machinery.serving.service_client import ARROW, CSV, INFER, MODEL, arrow, csv, records, rows, serving, tensors, wait_until


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
            document = client.get("/openapi.json").json()["components"]["schemas"]
            assert document["Score"]["properties"].keys() - {"explanation"} == response.json()["scores"][0].keys()
            assert client.post(document["Record"]["examples"][0]).status == 200
            described = client.get(MODEL).json()["outputs"]
            assert [(o["name"], o["datatype"]) for o in outputs] == [(o["name"], o["datatype"]) for o in described]


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_scores_are_explained_where_asked(trained, problem):
    with serving(CAPTURE="kept") as client:
        for height in (1, 5):
            plain = client.post(records(rows(height, problem))).json()["scores"]
            explained = client.post(records(rows(height, problem)), path="/score?explain=true").json()["scores"]
            explanations = [score.pop("explanation") for score in explained]
            assert explained == plain
            for score, explanation in zip(plain, explanations, strict=True):
                total = explanation["typical"] + sum(explanation["contributions"].values())
                assert total == pytest.approx(score["score"], abs=1e-6) and explanation["error"] >= 0
        assert "explanation" not in client.post(records(rows(1, problem)), path="/score?explain=false").json()["scores"][0]
    log = pl.concat([pl.read_parquet(path) for path in Path("kept").glob("*/*.parquet")])
    kept = log["_explanation"].drop_nulls()
    assert len(kept) == 6 and json.loads(kept[-1]).keys() == {"typical", "contributions", "error"}


def test_explanations_have_limits(client):
    assert client.post(records(rows(101)), path="/score?explain=true").status == 413
    assert client.post(records(rows(101)), path="/score").status == 200
    assert client.post(csv(rows(2)), CSV, path="/score?explain=true").status == 400
    for query in ("explain=perhaps", "explan=true", "Explain=true", "origin=2020-01-01", "explain=true&explain=false"):
        assert client.post(records(rows(2)), path=f"/score?{query}").status == 400
    assert client.post({"nonsense": 1}, path="/score?explain=true").status == 422


def record(row):
    """A row of scores as JSON has it."""
    score = {"id": row["key"], **{name: row[name] for name in ("score", "decision", "low", "high") if name in row}}
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
    assert (example["kind"] in toy.KINDS, example["seen"]) == (True, "2020-01-10T09:00:00") and 30 < example["amount"] < 60
    assert client.post(example).status == 200
    assert client.get("/docs").status == 200


def test_document_is_of_the_model_that_serves(module_project, tmp_path):
    live = tmp_path / "live"
    with serving(str(live), wait=False) as client:
        assert "decision" in client.get("/openapi.json").json()["components"]["schemas"]["Score"]["properties"]
        shutil.copytree(module_project / "model", live)
        wait_until(lambda: client.get("/health/ready").status == 200)
        schemas = client.get("/openapi.json").json()["components"]["schemas"]
        assert schemas["Score"]["properties"]["decision"]["type"] == "boolean"
        assert schemas["Record"]["examples"][0]["seen"] == "2020-01-10T09:00:00"


def test_root_says_where_to_go_without_a_key(module_project, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"billing {'0' * 64}\n")
    with serving(str(module_project / "model"), KEYS=keys) as client:
        places = client.get("/").json()
        assert {client.get(places[name]).status for name in ("docs", "health")} == {200}
        assert client.get(places["version"]).status == client.get("//").status == 401
        assert client.metric('factory_requests_total{caller="unknown",route="/"') == 0


def test_version_shows_what_serves(client):
    manifest, version = Scorer.load().manifest, client.get("/version").json()
    assert version["data"] == manifest["data"]["train"] and version["features"] == manifest["features"]
    assert version["challenger"] is None
