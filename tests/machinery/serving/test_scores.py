"""Whatever the format, the scores are the scorer's; what the OpenAPI document promises is so."""

import io
import json

import numpy as np
import polars as pl
import pytest
from late_flights.factory import PACKAGE
from late_flights.factory.scoring import scorer
from tests.factory import toy

from machinery.serving.service_client import ARROW, CSV, arrow, csv, records, rows, serving

INFER = f"/v2/models/{PACKAGE}/infer"


@pytest.fixture
def client(trained):
    with serving() as client:
        yield client


@pytest.mark.parametrize("problem", toy.LABELLED)
@pytest.mark.parametrize("height", [1, 40])
def test_scores_are_the_scorers_in_every_format(client, problem, height):
    table = rows(height, problem)
    expected = scorer.Scorer.load().score(table)
    version = client.get("/version").json()["version"]

    answer = client.post(records(table))
    assert answer.json()["model"] == answer.headers["x-model-version"] == version
    assert answer.json()["scores"] == [said(row) for row in expected.to_dicts()]
    assert client.post(records(table)[0]).json()["scores"] == answer.json()["scores"][:1]

    assert pl.read_ipc_stream(io.BytesIO(client.post(arrow(table), ARROW).body)).equals(expected)
    assert pl.read_csv(client.post(csv(table), CSV).body).equals(expected)

    tensors = [
        {"name": name, "shape": [height, 1], "datatype": "BYTES", "data": [[value] for value in column.to_list()]}
        for name, column in table.with_columns(pl.col("seen").dt.to_string("iso:strict"), pl.col("kind").cast(str))
        .to_dict()
        .items()
        if name in ("key", "seen", "kind")
    ]
    tensors += [{"name": "amount", "shape": [height], "datatype": "FP64", "data": table["amount"].to_list()}]
    tensors += [{"name": "gap", "shape": [height], "datatype": "INT16", "data": table["gap"].to_list()}]
    outputs = client.post({"inputs": tensors}, path=INFER).json()["outputs"]
    assert {output["name"]: output["data"] for output in outputs} == expected.drop("key").to_dict(as_series=False)
    told = client.get(INFER.removesuffix("/infer")).json()["outputs"]
    assert [(output["name"], output["datatype"]) for output in outputs] == [(o["name"], o["datatype"]) for o in told]


def said(row):
    """A row of scores as JSON has it."""
    record = {"id": row["key"], "score": row["score"], "decision": row.get("decision")}
    each = {name.removeprefix("probability_"): row[name] for name in row if name.startswith("probability_")}
    return record | ({"probabilities": each} if each else {})


@pytest.mark.parametrize("problem", ["multiclass"])
def test_binary_outputs_may_be_text(client, problem):
    table = rows(7, problem)
    expected = scorer.Scorer.load().score(table)["decision"].to_list()
    values = table.with_columns(pl.col("seen").dt.to_string("iso:strict"), pl.col("kind").cast(str)).to_dict()
    kinds = {"amount": "FP64", "gap": "INT16"}
    inputs = [
        {"name": name, "shape": [7], "datatype": kinds.get(name, "BYTES"), "data": column.to_list()}
        for name, column in values.items()
    ]
    answer = client.post({"inputs": inputs, "outputs": [{"name": "decision", "parameters": {"binary_data": True}}]}, path=INFER)
    end = int(answer.headers["inference-header-content-length"])
    assert answer.body[end:] == texts(expected)


def test_binary_tensors(client):
    table = rows(7)
    numbers = np.array([np.nan if gap is None else gap for gap in table["gap"]])
    given = {
        "key": ("BYTES", texts(table["key"])),
        "seen": ("BYTES", texts(table["seen"].dt.to_string("iso:strict"))),
        "kind": ("BYTES", texts(table["kind"].cast(str))),
        "amount": ("FP64", table["amount"].to_numpy().tobytes()),
        "gap": ("FP64", numbers.tobytes()),
    }
    inputs = [
        {"name": name, "shape": [7], "datatype": kind, "parameters": {"binary_data_size": len(data)}}
        for name, (kind, data) in given.items()
    ]
    body = {"inputs": inputs, "outputs": [{"name": "score", "parameters": {"binary_data": True}}]}
    head = json.dumps(body).encode()
    answer = client.post(
        head + b"".join(data for _, data in given.values()), path=INFER, Inference_Header_Content_Length=str(len(head))
    )
    end = int(answer.headers["inference-header-content-length"])
    assert np.frombuffer(answer.body[end:]).tolist() == scorer.Scorer.load().score(table)["score"].to_list()


def texts(column):
    return b"".join(len(text.encode()).to_bytes(4, "little") + text.encode() for text in column)


def test_open_inference_protocol_describes_the_contract(client):
    assert client.get("/v2/health/ready").json() == {"ready": True}
    described = client.get(INFER.removesuffix("/infer")).json()
    assert {tensor["name"]: tensor["datatype"] for tensor in described["inputs"]} == {
        "key": "BYTES",
        "seen": "BYTES",
        "kind": "BYTES",
        "amount": "FP64",
        "gap": "INT16",
    }
    assert client.get("/v2/models/another").status == 404
    assert client.post({"inputs": []}, path="/v2/models/another/infer").status == 404


def test_document_shows_the_contract_and_an_example_that_works(client):
    document = client.get("/openapi.json").json()
    record = document["components"]["schemas"]["Record"]
    assert record["properties"]["amount"] | {"title": ""} == {
        "title": "",
        "type": "number",
        "minimum": 0,
        "maximum": 100,
    }
    assert record["properties"]["kind"]["enum"] == ["red", "green", "blue"]
    assert record["additionalProperties"] is False and set(record["required"]) == set(record["properties"])
    (example,) = record["examples"]
    assert client.post(example).status == 200
    assert client.get("/docs").status == 200


def test_version_tells_what_serves(client):
    manifest = scorer.Scorer.load().manifest
    told = client.get("/version").json()
    assert told["data"] == manifest["data"]["train"] and told["features"] == manifest["features"]
    assert told["challenger"] is None


def test_cpu_time_of_tables_is_counted(client):
    client.post(arrow(rows(100_000)), ARROW)
    assert client.metric('factory_cpu_seconds_total{caller="unnamed"}') > 0.01


def test_no_rows_no_scores(client):
    assert client.post([]).json()["scores"] == []
    assert pl.read_ipc_stream(io.BytesIO(client.post(arrow(rows(0)), ARROW).body)).height == 0
