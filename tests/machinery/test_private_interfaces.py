"""Canaries: what is relied on of libraries without being promised, one test for each module that relies on it.

Each fails with the names that are gone, before anything built on them fails for reasons that are hard to see.
"""

import asyncio
import io
import json
import zipfile
from asyncio.sslproto import SSLProtocol
from importlib.metadata import version

import dataframely as dy
import numpy as np
import polars as pl
import pytest
import skops.io
import uvicorn
from late_flights.factory.scoring.standalone import DATE_PARTS
from late_flights.factory.training.onnx import operators, sklearn_internals
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


def assert_none(gone: list[str], library: str, module: str) -> None:
    assert not gone, f"{library} {version(library)} no longer has {', '.join(gone)}: see {module} and its upper bound"


UVICORN_MODULES = "serving/uvicorn_internals.py and connection_internals.py"
CALLED = ["connection_made", "data_received", "connection_lost"]
CALLED += ["on_message_begin", "on_headers_complete", "on_body", "on_message_complete", "on_response_complete"]
OVERRIDDEN = {
    HttpToolsProtocol: [*CALLED, "pause_writing", "resume_writing", "send_400_response", "_unset_keepalive_if_required"],
    SSLProtocol: ["connection_made", "connection_lost", "max_size"],
    uvicorn.Server: ["handle_exit", "on_tick", "startup", "shutdown", "_log_started_message"],
}


KEPT = {
    "connection": ["connections", "loop", "transport", "cycle", "headers", "parser", "client"],
    "cycle": ["disconnected", "keep_alive", "response_started"],
}


def recording(called: list[str]) -> type[HttpToolsProtocol]:
    """The protocol, which notes the name of each callback."""

    def recorded(name):
        def callback(self, *args):
            called.append(name)
            return getattr(super(Protocol, self), name)(*args)

        return callback

    Protocol = type("Protocol", (HttpToolsProtocol,), {name: recorded(name) for name in CALLED})
    return Protocol


def connections_of_a_request(protocol: type[HttpToolsProtocol]) -> list[HttpToolsProtocol]:
    """The server's connections while it answers a request."""
    connections: list[HttpToolsProtocol] = []

    async def app(scope, receive, send):
        connections.extend(server.server_state.connections)
        config.http_protocol_class(config, server.server_state, server.lifespan.state)
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def one_request():
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
        await reader.read()
        writer.close()
        server.should_exit = True
        await serving

    config = uvicorn.Config(app, "127.0.0.1", 0, http=protocol, ws="none", lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    asyncio.run(asyncio.wait_for(one_request(), 20))
    return connections


def test_uvicorn_internals():
    gone = [f"{owner.__name__}.{name}" for owner, names in OVERRIDDEN.items() for name in names if not hasattr(owner, name)]
    assert_none(gone, "uvicorn", UVICORN_MODULES)
    called: list[str] = []
    protocol = recording(called)
    connection = next((each for each in connections_of_a_request(protocol) if isinstance(each, protocol)), None)
    gone = [f"the call of {name}" for name in CALLED if name not in called]
    found = {"connection": connection, "cycle": getattr(connection, "cycle", None)}
    gone += [f"{part}.{name}" for part, names in KEPT.items() for name in names if not hasattr(found[part], name)]
    assert_none(gone, "uvicorn", UVICORN_MODULES)


def test_skops_schema():
    estimator = HistGradientBoostingClassifier(max_iter=2).fit([[0.0], [1.0]] * 30, [0, 1] * 30)
    archive, nodes = zipfile.ZipFile(io.BytesIO(skops.io.dumps(estimator))), []
    schema = "schema.json" in archive.namelist() and archive.read("schema.json")
    json.loads(schema or "{}", object_hook=lambda node: nodes.append(node) or node)
    mappers = [node for node in nodes if {"n_threads", "missing_values_bin_idx_"} <= node.keys()]
    present = {
        "schema.json": schema,
        "__loader__ of JsonNode": [node for node in nodes if node.get("__loader__") == "JsonNode"],
        "whole numbers as __id__": [node for node in nodes if isinstance(node.get("__id__"), int)],
        "names of members as file": {node.get("file") for node in nodes} & set(archive.namelist()),
        "content of n_threads": [mapper for mapper in mappers if "content" in mapper["n_threads"]],
    }
    assert_none([name for name, found in present.items() if not found], "skops", "training/skops_schema.py")


class Positive(dy.Schema):
    x = dy.Float64(min=0)

    @dy.rule()
    def below_ten(cls) -> pl.Expr:
        return pl.col("x") < 10


def test_dataframely_internals():
    read = getattr(Positive, "_validation_rules", None)
    rules = read(with_cast=False) if read else {}
    gone = [] if read else ["Schema._validation_rules"]
    gone += [f"the rule {name}" for name in ("x|nullability", "x|min", "below_ten") if name not in rules]
    gone += [f"{name}.expr" for name, rule in rules.items() if not isinstance(getattr(rule, "expr", None), pl.Expr)]
    assert_none(gone, "dataframely", "validation/dataframely_internals.py")


TABLE = pl.DataFrame(
    {"x": [1.0, 2.0], "y": [3.0, 4.0], "p": [True, False], "t": [None, None]}, schema_overrides={"t": pl.Datetime}
)
X, Y, P = pl.col("x"), pl.col("y"), pl.col("p")
PLANS = {
    "DataFrameScan": (TABLE.lazy(), ["selection"]),
    "Select": (TABLE.lazy().select(X + 1), []),
    "HStack": (TABLE.lazy().with_columns(z=X + 1), []),
    "SimpleProjection": (TABLE.lazy().with_columns(z=X + 1).select("z", "x"), []),
}
NODES = {
    "Column": (X, ["name"]),
    "Literal": (pl.lit(1), ["value", "dtype"]),
    "Cast": (P.cast(pl.Int8), ["expr", "dtype"]),
    "Ternary": (pl.when(P).then(X).otherwise(Y), ["predicate", "truthy", "falsy"]),
    "BinaryExpr": (X + Y, ["left", "op", "right"]),
    "Function": (X.is_null(), ["function_data", "input"]),
}
OPERATIONS = {
    "Plus": X + Y, "Minus": X - Y, "Multiply": X * Y, "TrueDivide": X / Y, "negate": -X, "abs": X.abs(), "sqrt": X.sqrt(),
    "log": X.log(), "floor": X.floor(), "ceil": X.ceil(), "sin": X.sin(), "cos": X.cos(), "coalesce": pl.coalesce("x", "y"),
    "fill_null": X.fill_null(1), "Lt": X < Y, "LtEq": X <= Y, "Gt": X > Y, "GtEq": X >= Y, "Eq": X == Y, "NotEq": X != Y,
    "And": P & (X > Y), "Or": P | (X > Y), "Not": ~P, "IsNull": X.is_null(), "IsNotNull": X.is_not_null(),
    "IsBetween": X.is_between(1, Y), "IsIn": X.is_in([1.0, 2.0]),
    **{part: getattr(pl.col("t").dt, {"WeekDay": "weekday", "OrdinalDay": "ordinal_day"}.get(part, part.lower()))() for part in DATE_PARTS},
}  # fmt: skip


def visited(frame):
    """The plan's visitor at its last node, and the node."""
    plan = frame._ldf.visit()
    return plan, plan.view_current_node()


def viewed(expression):
    """The node of an expression in a plan."""
    plan, _ = visited(TABLE.lazy().select(Y.exp(), result=expression))
    return plan.view_expression(plan.get_exprs()[-1].node)


def test_polars_plans():
    if not hasattr(getattr(TABLE.lazy(), "_ldf", None), "visit"):
        assert_none(["LazyFrame._ldf.visit"], "polars", "training/onnx/polars_internals.py")
    methods = ("view_current_node", "view_expression", "get_exprs", "get_inputs", "get_dtype", "set_node")
    gone = [f"NodeTraverser.{name}" for name in methods if not hasattr(TABLE.lazy()._ldf.visit(), name)]
    for nodes, view in ((PLANS, lambda frame: visited(frame)[1]), (NODES, viewed)):
        for kind, (source, names) in nodes.items():
            node = view(source)
            gone += [] if type(node).__name__ == kind else [f"{kind} (now {type(node).__name__})"]
            gone += [f"{kind}.{name}" for name in names if not hasattr(node, name)]
    assert_none(gone, "polars", "training/onnx/polars_internals.py")


def test_polars_names_of_operations():
    known = {*operators.BOOLEAN, *operators.SAME_TYPE, *operators.TO_DOUBLE, *DATE_PARTS}
    assert known <= OPERATIONS.keys(), "an operation that no canary watches"
    gone = []
    for name, expression in OPERATIONS.items():
        node = viewed(expression)
        now = str(node.op if type(node).__name__ == "BinaryExpr" else node.function_data[0]).rpartition(".")[2]
        gone += [] if now.removeprefix("Logical") == name else [f"{name} (now {now})"]
    assert_none(gone, "polars", "training/onnx/operators.py")


FIELDS = [
    "is_leaf",
    "is_categorical",
    "missing_go_to_left",
    "feature_idx",
    "bitset_idx",
    "num_threshold",
    "value",
    "left",
    "right",
]


@pytest.mark.parametrize(
    "kind, classes, options, link",
    [
        (HistGradientBoostingRegressor, 2, {}, "IdentityLink"),
        (HistGradientBoostingRegressor, 2, {"loss": "poisson"}, "LogLink"),
        (HistGradientBoostingClassifier, 2, {}, "LogitLink"),
        (HistGradientBoostingClassifier, 3, {}, "MultinomialLogit"),
    ],
)
def test_sklearn_internals(kind, classes, options, link):
    values = np.tile(np.arange(6.0), 20).reshape(-1, 1)
    fitted = kind(categorical_features=[0], max_iter=2, min_samples_leaf=1, **options).fit(values, values.ravel() % classes)
    names = ("_baseline_prediction", "_loss", "_predictors", "_preprocessor", "is_categorical_", "n_features_in_")
    gone = [name for name in names if not hasattr(fitted, name)]
    assert_none(gone, "scikit-learn", "training/onnx/sklearn_internals.py")
    tree = fitted._predictors[0][0]
    gone += [f"TreePredictor.{name}" for name in ("nodes", "raw_left_cat_bitsets") if not hasattr(tree, name)]
    gone += [f"TreePredictor.nodes[{name}]" for name in FIELDS if name not in tree.nodes.dtype.names]
    now = type(fitted._loss.link).__name__
    gone += [] if now == link and link in sklearn_internals.LINKS else [f"{link} (now {now})"]
    encoder = getattr(fitted._preprocessor, "named_transformers_", {}).get("encoder")
    gone += [] if hasattr(encoder, "categories_") else ["the encoder of categories"]
    assert_none(gone, "scikit-learn", "training/onnx/sklearn_internals.py")
