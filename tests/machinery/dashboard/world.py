"""A project with many versions and much monitoring, written as Git and `factory monitor` would write it, without either's time."""

import hashlib
import json
import math
import zlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from late_flights.factory.registry import validity
from tests.factory.git_repository import RECORD, git

COLUMNS = [f"feature_{number}" for number in range(14)]
START = date(2025, 1, 1)
PERSON = "Zoë 李 <zoe@example.com>"


def build(versions: int, windows: int, /, **changes: Any) -> dict[str, Any]:
    """Make the current folder the project; what its reports/monitor.json holds."""
    git("init", "--quiet", "--initial-branch=main")
    make_versions(versions)
    Path("reports").mkdir(exist_ok=True)
    report = monitored(versions, windows) | changes
    Path("reports/monitor.json").write_text(json.dumps(report), encoding="utf-8")
    return report


def run_record(number: int) -> dict[str, Any]:
    """The record of the run that trained the model of the version."""
    part = {"rows": 1000 * number, "from": "2024-01-01 00:00:00", "to": f"{START + timedelta(days=number)} 00:00:00"}
    return {
        "finished": f"{START + timedelta(days=number)}T03:04:05+00:00",
        "model_id": f"{number:064d}",
        "data": {"parts": {"train": part}},
        "cost": {"seconds": 10.0 + number, "cpu_seconds": 20.0 + number, "peak_memory_mb": 300.0 + number},
    }


def record(number: int) -> dict[str, Any]:
    """What the tag of the version records, but for its place in the chain."""
    checks = [
        {
            "code": code,
            "what": code.lower(),
            "figure": 0.01 * number,
            "limit": "≥ 0.5",
            "passed": True,
            "judged": True,
            "unit": "",
        }
        for code in ("FLOOR", "CHAMPION", "DUPLICATES", "LATENCY")
    ]
    own = {
        "serves": number,
        "at": f"{START + timedelta(days=number)}T10:00:00+00:00",
        "why": f"reason {number}",
        "model": f"{number:064d}",
        "test": f"{number // 5:064d}",
        "rows": 1000 * number,
        "metrics": {"roc_auc": round(0.8 + 0.1 * math.sin(number), 4)},
        "gate": {"against": f"the champion v{number - 1}", "accepted": None, "accepted_limits": None, "checks": checks},
    }
    return RECORD | own


def make_versions(count: int) -> None:
    """Commits with a run's record each, and their tags."""
    stream = []
    for number in range(1, count + 1):
        text = json.dumps(run_record(number))
        stream.append(
            f"commit refs/heads/main\nmark :{number}\ncommitter {PERSON} {1735700000 + number} +0000\ndata 1\nx\n"
            f"M 100644 inline reports/run.json\ndata {len(text)}\n{text}\n"
        )
    if not stream:
        git("commit", "--quiet", "--allow-empty", "--message", "x")
        return
    git("fast-import", "--quiet", "--export-marks=.git/marks", stdin="".join(stream))
    marks = dict(line.split() for line in Path(".git/marks").read_text().splitlines())
    previous, refs = None, []
    for number in range(1, count + 1):
        commit = marks[f":{number}"]
        chain = {"version": number, "commit": commit, "previous": previous}
        line = validity.write_record(chain | record(number))
        content = (
            f"object {commit}\ntype commit\ntag model/v{number}\ntagger {PERSON} {1735700000 + number} +0000\n\nv\n\n{line}\n"
        )
        previous = _write_object(content.encode())
        refs.append(f"create refs/tags/model/v{number} {previous}\n")
    git("update-ref", "--stdin", stdin="".join(refs))


def monitored(versions: int, windows: int) -> dict[str, Any]:
    """The result of monitoring: one window a day, the last three fifths of which have outcomes."""
    found = [window(number, max(1, versions * (number + 1) // max(windows, 1)), windows) for number in range(windows)]
    until = START + timedelta(days=windows)
    alert = incident(f"v{versions}", "SCORE_DRIFT", "_score", until, open=True, retrain=True)
    notice = incident(f"v{versions}", "FEATURE_DRIFT", "feature_1", until, open=True, retrain=False)
    return {
        "format": 1,
        "until": f"{until}",
        "champion": f"v{versions}",
        "places": ["captures"],
        "windows": found,
        "alerts": [alert] if windows else [],
        "notices": [notice] * (40 if windows > 100 else 1) if windows else [],
        "states": [],
    }


def window(number: int, version: int, count: int) -> dict[str, Any]:
    """One day of one version."""
    day = f"{START + timedelta(days=number)}"
    value = round(0.82 + 0.03 * math.sin(number / 9), 4)
    due = number < count * 4 // 5
    measured = {"name": "roc_auc", "value": value, "low": value - 0.02, "high": value + 0.021}
    bias = {"value": 0.01 * math.cos(number), "low": -0.02, "high": 0.03}
    outcomes = {
        "rows": 700,
        "coverage": 0.84 if due else 0.34,
        "due": due,
        "metric": measured if due else None,
        "bias": bias if due else None,
        "estimated": round(value + 0.01, 4),
        "note": "",
    }
    return {
        "model": f"v{version}",
        "role": "champion",
        "from": day,
        "to": day,
        "rows": 800 + number,
        "complete": True,
        "reference": True,
        "requests": 40,
        "callers": {"web": 500 + number, "batch": 300},
        "counts": {column: [number, *range(1000, 1040)] for column in COLUMNS},
        "checks": checks(number),
        "outcomes": outcomes if number >= count * 2 // 5 else None,
    }


def checks(number: int) -> list[dict[str, Any]]:
    """What was found in the window."""
    drift = 0.05 + 0.04 * math.sin(number / 7)
    score = check("alert", "SCORE_DRIFT", "_score", drift, 0.08, f"scores: +{drift:.2f}")
    gauges = [
        check("gauge", code, column, 0.01 * (place + 1) * (1 + math.sin(number + place)), 0.2, f"{column}: {code}")
        for code in ("PSI", "DISTANCE", "MISSING")
        for place, column in enumerate(COLUMNS)
    ]
    return [score, *gauges, check("gauge", "ROWS", None, 800 + number, 200, "rows")]


def check(tier: str, code: str, column: str | None, value: float, limit: float, text: str) -> dict[str, Any]:
    return {
        "tier": tier,
        "code": code,
        "column": column,
        "value": value,
        "limit": limit,
        "beyond": value > limit,
        "text": text,
        "windows": 1,
    }


def incident(model: str, code: str, column: str, until: date, *, open: bool, retrain: bool) -> dict[str, Any]:
    first = f"{until - timedelta(days=3)}"
    about = {"model": model, "code": code, "column": column, "from": first, "to": f"{until}", "open": open}
    return {"key": f"{model} {code} {column} {first}", **about, "text": f"{column}: values x1.6 from {first}", "retrain": retrain}


def _write_object(content: bytes) -> str:
    """Write a tag into Git's store; its name."""
    whole = b"tag %d\0" % len(content) + content
    name = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    path = Path(".git/objects", name[:2], name[2:])
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(whole))
    return name
