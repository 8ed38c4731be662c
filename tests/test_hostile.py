"""The running service under features, bodies, keys, certificates and clocks that it always has to bear."""

import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from served import ARROW, CSV, INFER, JSON

pytestmark = pytest.mark.nightly
MUTATED = 4_200


@pytest.mark.parametrize("act", ["leave", "fail", "interrupt", "recurse", "exhaust", "flood", "surroundings"])
def test_features_that_fail(hostile, act):
    with hostile.serving() as server:
        for _ in range(3):
            hostile.status("POST", "/score", hostile.rows(act))
            statuses = [hostile.status("POST", "/score", hostile.records[:height]) for height in (1, 20)]
            assert [*statuses, hostile.status("GET", "/health/ready")] == [200] * 3
        assert server.poll() is None


def test_mutated_bodies(hostile):
    table, lines = hostile.file("few.arrow"), hostile.file("rows.csv").splitlines(keepends=True)
    inputs = [{"name": "distance", "shape": [200], "datatype": "INT16", "parameters": {"binary_data_size": 400}}]
    head = json.dumps({"inputs": inputs}).encode()
    bodies = {
        ("/score", ARROW): table,
        ("/score", CSV): b"".join(lines[:50]),
        ("/score", JSON): json.dumps(hostile.records[:20]).encode(),
        (INFER, f"{JSON}|{len(head)}"): head + bytes(400),
    }
    counts = Counter()
    with hostile.serving() as server, ThreadPoolExecutor(4) as pool:
        for (path, kind), body in bodies.items():
            count = MUTATED if kind == ARROW else MUTATED // 10
            mutated = [mutate(body, random.Random(seed)) for seed in range(count)]
            counts += Counter(pool.map(lambda each: hostile.status("POST", path, each, kind), mutated))  # noqa: B023
        assert hostile.status("POST", "/score", table, ARROW) == 200 and server.poll() is None
    assert set(counts) <= {200, 400, 413, 415, 422}, counts
    assert counts[400] > MUTATED / 4


def mutate(body: bytes, chance: random.Random) -> bytes:
    """The body with some bytes changed, cut, doubled, or a number in it made extreme."""
    content = bytearray(body)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(content))
        match chance.randrange(5):
            case 0:
                content[at] = chance.randrange(256)
            case 1:
                content[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(4)))
            case 2:
                del content[at : at + chance.randrange(1, 64)]
            case 3:
                content[at:at] = content[at : at + chance.randrange(1, 64)]
            case 4:
                content[at] ^= 1 << chance.randrange(8)
        if not content:
            break
    return bytes(content[: chance.randrange(len(content) + 1)] if content and chance.random() < 0.1 else content)
