"""What reports/monitor.json may say, without the work behind it."""

from typing import Any

Json = dict[str, Any]


def check(code: str, beyond: bool = True, column: str | None = None, tier: str = "alert", text: str = "") -> Json:
    what = text or f"{code} of {column}"
    return {"tier": tier, "code": code, "column": column, "value": 2.0, "limit": 1.0, "beyond": beyond, "text": what}


def window(day: str, *checks: Json, model: str = "v1", role: str = "champion", labelled: int = 0) -> Json:
    """One day of a model."""
    metric = {"name": "roc_auc", "value": 0.8, "low": 0.7, "high": 0.9} if labelled else None
    outcomes = {"rows": labelled, "coverage": labelled / 300, "due": bool(labelled), "metric": metric, "bias": None}
    about = {"model": model, "role": role, "from": day, "to": day, "rows": 300, "requests": 3, "callers": {}}
    return {**about, "checks": list(checks), "outcomes": {**outcomes, "estimated": None} if labelled else None}


def report(*windows: Json, alerts: Any = (), states: Any = (), until: str = "2026-05-31", champion: str = "v1") -> Json:
    found = {"windows": list(windows), "alerts": list(alerts), "notices": [], "states": list(states)}
    return {"format": 1, "until": until, "champion": champion, "places": ["captures"], **found}
