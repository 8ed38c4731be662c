"""The Open Inference Protocol: tensors in JSON or bytes get the scorer's scores, or are rejected."""

import json

import numpy as np
import pytest
from late_flights.factory.scoring.scorer import Scorer

from machinery.serving.service_client import INFER, MODEL, rows, serving, tensors

MARK = "s3cr3t"


def tensor(name="amount", datatype="FP64", shape=(1,), data=(1,), **parameters):
    content = {"data": list(data)} if not parameters else {"parameters": parameters}
    return {"name": name, "datatype": datatype, "shape": list(shape), **content}


def texts(column):
    return b"".join(len(text.encode()).to_bytes(4, "little") + text.encode() for text in column)


def test_model_is_described_by_the_contract(client):
    assert client.get("/v2/health/ready").json() == {"ready": True}
    metadata = client.get(MODEL).json()
    assert {tensor["name"]: tensor["datatype"] for tensor in metadata["inputs"]} == {
        "key": "BYTES",
        "seen": "BYTES",
        "kind": "BYTES",
        "amount": "FP64",
        "gap": "INT16",
    }
    assert client.get("/v2/models/another").status == 404
    assert client.post({"inputs": []}, path="/v2/models/another/infer").status == 404


def test_tensors_as_bytes(client):
    table = rows(7)
    data = {
        "key": ("BYTES", texts(table["key"])),
        "seen": ("BYTES", texts(table["seen"].dt.to_string("iso:strict"))),
        "kind": ("BYTES", texts(table["kind"].cast(str))),
        "amount": ("FP64", table["amount"].to_numpy().tobytes()),
        "gap": ("FP64", np.array([np.nan if gap is None else gap for gap in table["gap"]]).tobytes()),
    }
    inputs = [tensor(name, kind, [7], binary_data_size=len(content)) for name, (kind, content) in data.items()]
    outputs = [{"name": "score", "parameters": {"binary_data": True}}]
    response = client.infer({"inputs": inputs, "outputs": outputs}, b"".join(content for _, content in data.values()))
    end = int(response.headers["inference-header-content-length"])
    assert np.frombuffer(response.body[end:]).tolist() == Scorer.load().score(table)["score"].to_list()


@pytest.mark.parametrize("problem", ["multiclass"])
def test_outputs_as_bytes_may_be_text(trained, problem):
    table = rows(7, problem)
    outputs = [{"name": "decision", "parameters": {"binary_data": True}}]
    with serving() as client:
        response = client.post({"inputs": tensors(table), "outputs": outputs}, path=INFER)
    end = int(response.headers["inference-header-content-length"])
    assert response.body[end:] == texts(Scorer.load().score(table)["decision"])


def test_output_may_be_asked_for_once(client):
    for times, status in ((1, 200), (2, 400)):
        body = {"inputs": tensors(rows(1)), "outputs": [{"name": "score"}] * times}
        assert client.post(body, path=INFER).status == status


REFUSED = {
    "not json": b"{",
    "no inputs": {},
    "name twice": f'{{"inputs": [], "inputs": [{json.dumps(tensor())}]}}'.encode(),
    "tensor twice": {"inputs": [tensor(), tensor()]},
    "wrong shape": {"inputs": [tensor(shape=[3])]},
    "negative shape": {"inputs": [tensor(shape=[-1])]},
    "no datatype": {"inputs": [tensor(datatype=MARK)]},
    "text for a number": {"inputs": [tensor(data=[MARK])]},
    "too large": {"inputs": [tensor(datatype="INT8", data=[10**30])]},
    "heights": {"inputs": [tensor(), tensor("gap", shape=[2], data=[1, 1])]},
    "bytes missing": {"inputs": [tensor(binary_data_size=8)]},
    "negative size": {"inputs": [tensor(binary_data_size=-8)]},
    "no output": {"inputs": [], "outputs": [{"name": MARK}]},
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_wrong_request_is_refused(client, body):
    response = client.post(body, path=INFER)
    assert response.status in (400, 422) and response.json()["error"]
    assert MARK.encode() not in response.body or "outputs" in str(body)


def test_shape_beyond_the_limit_is_refused_before_the_data_are_read(client):
    for shape in ([10**9], [10**6, 10**6]):
        assert client.post({"inputs": [tensor(shape=shape)]}, path=INFER).status == 413


def key(data: bytes, height: int = 1):
    return {"inputs": [tensor("key", "BYTES", [height], binary_data_size=len(data))]}


TEXTS = {
    "one byte short": (key(b"\x03\x00\x00\x00k1"), b"\x03\x00\x00\x00k1"),
    "as long as can be": (key(b"\xff\xff\xff\xffk1"), b"\xff\xff\xff\xffk1"),
    "bytes of nobody": (key(b"\x02\x00\x00\x00k1"), b"\x02\x00\x00\x00k1" + b"more"),
}


@pytest.mark.parametrize(("head", "tail"), TEXTS.values(), ids=TEXTS)
def test_texts_that_are_not_as_long_as_they_claim(client, head, tail):
    assert client.infer(head, tail).status == 400


def test_very_many_texts_are_read_in_one_pass(client):
    data = bytes(4 * 300_000)
    assert client.infer(key(data, 300_000), data).status == 422


@pytest.mark.parametrize("length", ["-5", "1000000", "x", "1.5", ""])
def test_header_length_that_is_none(client, length):
    response = client.post({"inputs": []}, path=INFER, Inference_Header_Content_Length=length)
    assert response.status in (400, 422)


@pytest.mark.parametrize("shape", [[4], [4, 1]])
def test_column_may_be_a_matrix(client, shape):
    inputs = [{**each, "shape": shape} for each in tensors(rows(4))]
    for each in inputs if len(shape) == 2 else []:
        each["data"] = [[value] for value in each["data"]]
    outputs = client.post({"inputs": inputs}, path=INFER).json()["outputs"]
    expected = Scorer.load().score(rows(4)).drop("key").to_dict(as_series=False)
    assert {output["name"]: output["data"] for output in outputs} == expected
