"""Bodies made to hurt: what claims more than it holds is refused before anything reads it, and others are answered after it."""

import json
import random

import polars as pl
import pytest
from late_flights.factory import PACKAGE

from machinery.serving.service_client import ARROW, CSV, arrow, csv, records, rows

GOOD = records(rows(1))[0]
INFER = f"/v2/models/{PACKAGE}/infer"
LENGTH = "Inference_Header_Content_Length"


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_arrow(unharmed, compression):
    assert unharmed.post(arrow(rows(500), compression=compression), ARROW).status == 400


def test_damaged_arrow_never_fails(unharmed):
    """Flipped bytes claim buffers, rows and columns that are not there."""
    whole, chance = arrow(rows(20)), random.Random(0)
    statuses = set()
    for _ in range(150):
        body = bytearray(whole)
        for place in chance.choices(range(len(body)), k=3):
            body[place] = chance.randrange(256)
        statuses.add(unharmed.post(bytes(body), ARROW).status)
    assert statuses <= {200, 400, 422} and 400 in statuses


def test_arrow_of_very_many_columns(unharmed):
    wide = pl.DataFrame({f"c{number}": [1] for number in range(20_000)})
    assert unharmed.post(arrow(wide), ARROW).status == 400


@pytest.mark.parametrize("height", [1, 3])
@pytest.mark.parametrize("beyond", [2**62, -(2**62)])
def test_times_beyond_the_years_of_python(unharmed, height, beyond):
    table = rows(height).with_columns(seen=pl.lit(beyond).cast(pl.Datetime("us")))
    assert unharmed.post(arrow(table), ARROW).status == (422 if beyond < 0 else 200)  # the toy's contract has no last day


def test_csv_header_over_many_lines(unharmed):
    assert unharmed.post(b'"\n",' + b"a," * 500_000 + b"\n1\n", CSV).status == 400
    assert unharmed.post(csv(rows(2)), CSV).status == 200


@pytest.mark.parametrize("moment", ["2021-02-04T10:00:00\n", "9999-99-99T00:00:00", "2021-02-04T10:00:00 s3cr3t"])
def test_time_is_not_told_back(unharmed, moment):
    answer = unharmed.post(GOOD | {"seen": moment})
    assert list(answer.problems()) == ["seen"] and moment[:10].encode() not in answer.body


def tensor(data: bytes, height: int = 1, kind: str = "BYTES") -> bytes:
    sizes = {"binary_data_size": len(data)}
    given = {"name": "key", "shape": [height], "datatype": kind, "parameters": sizes}
    return json.dumps({"inputs": [given]}).encode()


TEXTS = {
    "one byte short": (tensor(b"\x03\x00\x00\x00k1"), b"\x03\x00\x00\x00k1"),
    "as long as can be": (tensor(b"\xff\xff\xff\xffk1"), b"\xff\xff\xff\xffk1"),
    "bytes of nobody": (tensor(b"\x02\x00\x00\x00k1"), b"\x02\x00\x00\x00k1" + b"more"),
}


@pytest.mark.parametrize(("head", "tail"), TEXTS.values(), ids=TEXTS)
def test_texts_that_are_not_as_long_as_they_say(unharmed, head, tail):
    assert unharmed.post(head + tail, path=INFER, **{LENGTH: str(len(head))}).status == 400


def test_very_many_texts_are_read_in_one_pass(unharmed):
    data = bytes(4 * 300_000)
    head = tensor(data, 300_000)
    assert unharmed.post(head + data, path=INFER, **{LENGTH: str(len(head))}).status == 422


@pytest.mark.parametrize("length", ["-5", "1000000", "x", "1.5", ""])
def test_header_length_that_is_none(unharmed, length):
    assert unharmed.post({"inputs": []}, path=INFER, **{LENGTH: length}).status in (400, 422)


AMOUNT = '{"name": "amount", "shape": [1], "datatype": "FP64", "data": [1]}'
REFUSED = {
    "name twice": f'{{"inputs": [], "inputs": [{AMOUNT}]}}'.encode(),
    "tensor twice": f'{{"inputs": [{AMOUNT}, {AMOUNT}]}}'.encode(),
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_the_same_twice(unharmed, body):
    assert unharmed.post(body, path=INFER).status == 400


def test_the_same_output_twice(unharmed):
    kinds = {"amount": "FP64", "gap": "INT16"}
    given = [{"name": n, "shape": [1], "datatype": kinds.get(n, "BYTES"), "data": [v]} for n, v in GOOD.items()]
    for times, status in ((1, 200), (2, 400)):
        assert unharmed.post({"inputs": given, "outputs": [{"name": "score"}] * times}, path=INFER).status == status


def test_inference_has_the_limits_of_json(unharmed):
    assert unharmed.post(b" " * 4_000_001, path=INFER).status == 413
    assert unharmed.post({"inputs": []}, path=INFER, Content_Encoding="gzip").status == 415
