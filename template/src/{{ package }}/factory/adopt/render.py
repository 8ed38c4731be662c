"""The user's files from a proposal: the context of the templates, and the formatted files."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import time, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

from .. import PACKAGE
from ..validation.missing_words import COMMON_MISSING
from ..workspace import ruff
from . import dates, forecast_code, texts
from .contract_code import ColumnCode, column_code, python_code
from .defaults import FAIRNESS, BaselineResult
from .invariants import invariants, usual_values
from .proposal import Proposal
from .roles import GROUP, KNOWN_AHEAD, MEASURED, ColumnRole
from .series_facts import INTERMITTENT, share_of_zeros
from .target import Target
from .transaction import PLACES
from .variation import Parts

RESERVED = {"dy", "pl", "date", "datetime", "time", "ZoneInfo"}
OTHER = "another"
CONFUSABLE = "RUF001,RUF003"
"""Ruff's rules about letters that look like others, in texts and comments."""
MAX_TESTED_COLUMNS = 100  # of a wider table every so many
RARE_POSITIVE = 0.1
MAX_SLICE_GROUPS = 6
FEATURES = ("feature", "time")  # the roles


def write(proposal: Proposal, result: BaselineResult, folder: Path) -> list[Path]:
    """Write every file below the folder, formatted; their paths in the project."""
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"code": python_code, "yaml": one_line_yaml, "comment": comment}
    context = build_context(proposal, result)
    for name, place in PLACES.items():
        template = resources.files(__package__).joinpath("templates", f"{name}.txt").read_text(encoding="utf-8")
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / place / name).write_text(environment.from_string(template).render(context), encoding="utf-8")
    paths = [place / name for name, place in PLACES.items()]
    _format([folder / path for path in paths if path.suffix == ".py"])
    return paths


def build_context(proposal: Proposal, result: BaselineResult) -> dict[str, Any]:
    """The variables of the templates."""
    target, used, taken = proposal.target, proposal.used, set(RESERVED)
    parts = Parts.of(proposal)
    codes = [_code(role, taken, target, parts) for role in used]
    found = list(invariants(proposal, codes, parts))
    judged = {invariant.column for invariant in found if not invariant.other}
    columns = [_column(code, target, judged) for code in codes]
    features = [line for role in used if role.role in FEATURES and not target.is_forecast for line in _features(role)]
    plain = {feature["name"] for feature in features}
    optional = [code.column.name for code in codes if code.column is not target.column and "nullable" in code.arguments]
    return {
        "package": PACKAGE,
        "target": target,
        "sheet": proposal.sheet,
        "target_note": f"{target.column.missing:,} rows without a value are not used" if target.column.missing else "",
        "columns": columns,
        "outcome": next(column for column in columns if column["is_target"]),
        "id": proposal.name_of("id"),
        "time": proposal.time[0] if len(proposal.time) == 1 else [*proposal.time],
        "repeats": proposal.repeats,
        "test_share": proposal.test_share,
        "sensitive": [role.name for role in used if role.sensitive],
        "ignored": proposal.with_role("excluded"),
        "missing": sorted({text for role in used for text in role.column.format.missing} & set(COMMON_MISSING)),
        "imports": dates.imports({code.kind for code in codes}, any("time_zone" in code.arguments for code in codes)),
        "invariants": found,
        "features": features,
        "time_features": {feature["function"] for feature in features},
        "unseen": {code.column.name: unseen_category(code) for code in codes if code.is_open},
        "optional": sorted(optional, key=lambda name: name not in plain),
        "optional_feature": next((name for name in optional if name in plain), None),
        "every_nth": f"[:: {len(columns) // MAX_TESTED_COLUMNS}]" if len(columns) >= 2 * MAX_TESTED_COLUMNS else "",
        "better": result.better,
        "limits": result.limits,
        "fairness": FAIRNESS if not target.is_number and any(role.sensitive for role in used) else {},
        **_settings(proposal),
        **forecast_code.context(proposal, codes),
    }


def valid_value(code: ColumnCode) -> Any:
    """A typical value of the column that identifies nobody."""
    column, kind = code.column, code.kind
    if code.categories is not None:
        frequent = str(column.sample.drop_nulls().mode().sort()[0])
        return frequent if frequent in code.categories else code.categories[0]
    if kind == "Bool":
        return True
    if kind == "String":
        return "r1"[: code.arguments["max_length"]]
    if kind == "Time":
        return time(12)
    middle = column.sample.drop_nulls().sort()[column.sample.drop_nulls().len() // 2]
    if kind == "Datetime":
        return middle.replace(microsecond=0)
    if kind == "Float64":
        short = float(f"{middle:.4g}")
        return short if column.low <= short <= column.high else middle
    return middle


def invalid_values(code: ColumnCode) -> list[Any]:
    """Values that the column refuses."""
    low, high = (code.arguments.get(limit) for limit in ("min", "max"))
    if code.categories is not None:
        return [] if code.is_open else [unseen_category(code)]
    if code.kind == "String":
        key = "min_length" in code.arguments
        return ["", "x" * (code.arguments["max_length"] + 1)] if key else []
    if low is None:
        return ["perhaps"]
    step = timedelta(days=1) if code.kind in dates.DATES else 1
    values = []
    with suppress(OverflowError):  # beyond the calendar
        values.append(low - step)
        values += [] if high is None else [high + step]
    return values


def unseen_category(code: ColumnCode) -> str:
    """A text that is none of the column's categories."""
    return OTHER if OTHER not in (code.categories or ()) else f"{OTHER} one"


def one_line_yaml(value: Any) -> str:
    """The value as YAML on one line."""
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=10**9)
    return text.removesuffix("...\n").strip()


def comment(text: str) -> str:
    """The text as a comment that ends a line."""
    return f" # {' '.join(text.split())}" if text else ""


def _code(role: ColumnRole, taken: set[str], target: Target, parts: Parts) -> ColumnCode:
    """The line of the contract; the service does not need what no model uses."""
    column, outcome = role.column, target if role.role == "target" else None
    return column_code(
        column,
        taken,
        target=outcome,
        is_key=role.role in ("id", GROUP),
        is_text=texts.is_text(role),
        optional=role.role == MEASURED or (role.role == "target" and target.is_forecast),
        is_ahead=role.role == KNOWN_AHEAD,
        unseen_limit=parts.unseen_limit(column.sample),
    )


def _column(code: ColumnCode, target: Target, judged: set[str]) -> dict[str, Any]:
    is_target = code.column is target.column
    return {
        "column": code.column,
        "name": code.column.name,
        "attribute": code.attribute,
        "code": code.code,
        "constant": code.constant,
        "categories": code.categories,
        "comment": code.comment,
        "is_target": is_target,
        "usual": usual_values(code, target) if code.column.name in judged else None,
        "valid": valid_value(code),
        "invalid": [*([None] if is_target and "nullable" not in code.arguments else []), *invalid_values(code)],
    }


def _features(role: ColumnRole) -> Iterator[dict[str, str]]:
    """The column itself, or the periodic parts of a time."""
    column = role.column
    if column.kind not in dates.TEMPORAL:
        if column.different > 1:  # a part of the time may be constant
            yield {
                "name": column.name,
                "code": texts.code(column) if texts.is_text(role) else repr(column.name),
                "function": "",
            }
        return
    yield from dates.features(column.name, column.kind, column.sample)


def _settings(proposal: Proposal) -> dict[str, Any]:
    """Metric, parameters and the value of decisions."""
    target = proposal.target
    share = target.share_positive or 0.5
    alarms = max(1, round((1 - share) / share))
    sliced = (GROUP, KNOWN_AHEAD) if target.is_forecast else ("feature",)
    groups = [
        r.name
        for r in proposal.roles
        if r.role in sliced and 1 < len(r.column.values) <= MAX_SLICE_GROUPS and not r.sensitive
    ]
    return {
        "metric": _metric(proposal, share),
        "model": proposal.parameters,
        "slices": groups[:2],
        "value": {"true_positive": 0, "false_positive": -1, "false_negative": -alarms} if target.positive else None,
        "value_note": f"as bad as {alarms} false positives" if alarms > 1 else "",
    }


def _metric(proposal: Proposal, share_positive: float) -> str:
    """Of forecasts in units of each series' own changes where there are several, and squared where most values are zero."""
    if proposal.target.is_forecast and proposal.forecast:
        series = proposal.forecast.series
        squared = share_of_zeros(series) > INTERMITTENT
        return ("rmsse" if squared else "mase") if series.groups else "rmse" if squared else "mae"
    if proposal.target.is_number:
        return "rmse"
    return "average_precision" if share_positive < RARE_POSITIVE else "roc_auc"


def _format(files: list[Path]) -> None:
    for file in files:
        if ruff.run("check", "--quiet", f"--select={CONFUSABLE}", str(file)).returncode:
            file.write_text(f"# ruff: noqa: {CONFUSABLE}  the data is written so\n{file.read_text('utf-8')}", "utf-8")
    ruff.format_files(files)
