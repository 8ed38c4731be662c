"""Canaries: what is relied on of libraries without being promised, one test for each module that relies on it.

Each fails with the names that are gone, before anything built on them fails for reasons that are hard to see.
"""

import asyncio
import io
import json
import zipfile
from importlib.metadata import version

import skops.io
import uvicorn
from sklearn.ensemble import HistGradientBoostingClassifier
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


def assert_none(gone: list[str], library: str, module: str) -> None:
    assert not gone, f"{library} {version(library)} no longer has {', '.join(gone)}: see {module} and its upper bound"


CALLED = ["connection_made", "data_received", "connection_lost"]
CALLED += ["on_message_begin", "on_headers_complete", "on_body", "on_message_complete", "on_response_complete"]
OVERRIDDEN = {
    HttpToolsProtocol: [*CALLED, "pause_writing", "resume_writing"],
    uvicorn.Server: ["handle_exit", "on_tick", "shutdown"],
}


def test_uvicorn_internals():
    gone = [f"{owner.__name__}.{name}" for owner, names in OVERRIDDEN.items() for name in names if not hasattr(owner, name)]
    assert_none(gone, "uvicorn", "serving/uvicorn_internals.py")
    called, connections = [], []

    def recorded(name):
        def callback(self, *args):
            called.append(name)
            return getattr(super(Protocol, self), name)(*args)

        return callback

    Protocol = type("Protocol", (HttpToolsProtocol,), {name: recorded(name) for name in CALLED})

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

    config = uvicorn.Config(app, "127.0.0.1", 0, http=Protocol, ws="none", lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    asyncio.run(asyncio.wait_for(one_request(), 20))
    connection = next((each for each in connections if isinstance(each, Protocol)), None)
    gone = [f"the call of {name}" for name in CALLED if name not in called]
    gone += [name for name in ("connections", "loop", "transport", "cycle") if not hasattr(connection, name)]
    gone += [] if hasattr(getattr(connection, "cycle", None), "disconnected") else ["cycle.disconnected"]
    assert_none(gone, "uvicorn", "serving/uvicorn_internals.py")


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
