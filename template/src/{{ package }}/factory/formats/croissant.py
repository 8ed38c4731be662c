"""The deliveries as Croissant (MLCommons) JSON-LD, which dataset searches and loaders read: files, hashes, columns."""

import inspect
import json
from collections import defaultdict
from typing import Any

from .. import PACKAGE, tables
from ..config import Data, Params
from ..data import ledger
from ..data.ledger import Entry
from ..evaluation import card_input
from ..validation.definition import delivered
from .odcs import is_key, logical_type

TERMS = (
    "citeAs column equivalentProperty extract field fileObject fileProperty fileSet format includes isLiveDataset jsonPath"
    " key md5 parentField path recordSet references regex repeated replace samplingRate separator source subField transform"
)
CONTEXT = {  # the whole of the standard's, as readers expect it
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in TERMS.split()},
}
TYPES = {
    "boolean": "sc:Boolean",
    "date": "sc:Date",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "time": "sc:Time",
    "timestamp": "sc:DateTime",
}
READABLE = {  # loaders of Croissant read these, compressed by gzip too
    "csv": "text/csv",
    "jsonl": "application/jsonlines",
    "ndjson": "application/jsonlines",
    "parquet": "application/x-parquet",
    "tsv": "text/tab-separated-values",
}


def render(params: Params) -> str:
    """The data set that the deliveries form; its paths are relative to the project's folder."""
    dataset = build(PACKAGE, card_input.load().owner, ledger.entries(), params.data)
    return json.dumps(dataset, indent=2, ensure_ascii=False)


def build(name: str, owner: str | None, entries: list[Entry], data: Data) -> dict[str, Any]:
    """The same, ready for JSON."""
    kinds: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        kinds[_kind(entry)].append(entry)
    readable = {kind: files for kind, files in kinds.items() if kind in READABLE}
    dataset = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "description": inspect.getdoc(delivered()) or name,
        "distribution": [*map(_file, entries), *(_file_set(*item) for item in readable.items())],
        "recordSet": [_record_set(kind, data) for kind in readable],
    }
    if owner:
        dataset["creator"] = {"@type": "sc:Organization", "name": owner}
    if entries:
        dataset["datePublished"] = max(entry.received for entry in entries)
    return dataset


def _kind(entry: Entry) -> str:
    return tables.suffix(entry.file).split(".")[1]


def _file(entry: Entry) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": _id(entry.file),
        "name": entry.file,
        "description": f"{int(entry.rows):,} rows from {entry.source}, received {entry.received[:10]}",
        "contentUrl": entry.path.as_posix(),
        "encodingFormat": READABLE.get(_kind(entry), "application/octet-stream"),
        "sha256": entry.sha256,
    }


def _file_set(kind: str, entries: list[Entry]) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{kind}-files",
        "name": f"{kind}-files",
        "encodingFormat": READABLE[kind],
        "includes": [entry.path.as_posix() for entry in entries],
    }


def _record_set(kind: str, data: Data) -> dict[str, Any]:
    name, columns = f"{kind}-rows", delivered().columns()
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "key": [{"@id": _id(f"{name}/{column}")} for column in columns if is_key(column, data)],
        "field": [_field(_id(f"{name}/{column}"), column, f"{kind}-files") for column in columns],
    }


def _field(id: str, name: str, file_set: str) -> dict[str, Any]:
    column = delivered().columns()[name]
    return {
        "@type": "cr:Field",
        "@id": id,
        "name": name,
        "description": column.description or "",
        "dataType": TYPES.get(logical_type(column.dtype), "sc:Text"),
        "source": {"fileSet": {"@id": file_set}, "extract": {"column": name}},
    }


def _id(name: str) -> str:
    """The name as an identifier, in which readers take no blanks."""
    return "_".join(name.split())
