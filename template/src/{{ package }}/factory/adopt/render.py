"""Values for tests: a typical one of each column, which is nobody's own, and those beyond its limits."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

from ..errors import FactoryError
from . import defaults
from .contract_code import Declared, declare, rules
from .defaults import Outcome
from .profile import TEMPORAL, Column
from .proposal import Proposal
from .roles import Choice
from .transaction import PLACES
from .type_inference import UNKNOWN

OTHER = "another"


def typical(declared: Declared) -> Any:
    """A value in the middle of what the column holds."""
    column, kind = declared.column, declared.kind
    if declared.categories is not None:
        known = column.sample.drop_nulls().mode().sort()
        return str(known[0]) if str(known[0]) in declared.categories else declared.categories[0]
    if kind == "Bool":
        return True
    if kind == "String":
        return "r1"[: declared.arguments["max_length"]]
    if kind == "Time":
        return time(12)
    middle = column.sample.drop_nulls().sort()[column.sample.drop_nulls().len() // 2]
    if kind == "Datetime":
        return middle.replace(microsecond=0)
    if kind == "Float64":
        short = float(f"{middle:.4g}")
        return short if column.low <= short <= column.high else middle
    return middle


def beyond(declared: Declared) -> list[Any]:
    """Values that the column refuses."""
    low, high = (declared.arguments.get(limit) for limit in ("min", "max"))
    if declared.categories is not None:
        return [OTHER if OTHER not in declared.categories else f"{OTHER} one"]
    if declared.kind == "String":
        return ["", "x" * (declared.arguments["max_length"] + 1)]
    if low is None:
        return ["perhaps"]
    step = timedelta(days=1) if declared.kind in ("Date", "Datetime") else 1
    found = []
    with suppress(OverflowError):  # beyond the calendar
        found.append(low - step)
        found += [] if high is None else [high + step]
    return found


RESERVED = {"dy", "pl", "date", "datetime", "time"}
TESTED = 100
"""Columns whose limits are tested one by one; of a wider table every so many."""

RARE = 0.1
SLICES = 6


def of(proposal: Proposal, outcome: Outcome) -> dict[str, Any]:
    """The facts by the names that the templates give them."""
    question, taken = proposal.question, set(RESERVED)
    chosen = [choice for choice in proposal.choices if choice.role != "out"]
    targets = {choice.name: question for choice in proposal.having("target")}
    declared = [declare(c.column, taken, target=targets.get(c.name), is_key=c.role == "id") for c in chosen]
    columns = [_described(column, column.column is question.target) for column in declared]
    features = [line for choice in chosen if choice.role in ("feature", "time") for line in _features(choice)]
    optional = [c["name"] for c in columns if not c["is_target"] and c["column"].missing]
    plain = {feature["name"] for feature in features}
    return {
        "question": question,
        "columns": columns,
        "target": next(column for column in columns if column["is_target"]),
        "target_note": f"{question.target.missing:,} rows without are left out" if question.target.missing else "",
        "id": proposal.name_of("id"),
        "time": proposal.name_of("time"),
        "repeats": proposal.repeats,
        "sensitive": [choice.name for choice in proposal.choices if choice.sensitive and choice.role != "out"],
        "ignored": proposal.having("out"),
        "unknown": sorted({text for choice in chosen for text in choice.column.spelled.unknown} & set(UNKNOWN)),
        "imports": _imports(declared),
        "rules": rules(declared, question),
        "features": features,
        "parts": {feature["part"] for feature in features},
        "optional": sorted(optional, key=lambda name: name not in plain),
        "some": f"[:: {len(columns) // TESTED}]" if len(columns) >= 2 * TESTED else "",
        "examples": 100 if len(columns) < TESTED else 5,
        "target_mix": _mix(proposal),
        "better": outcome.better,
        "limits": outcome.limits,
        **_choices(proposal),
    }


def _described(declared: Declared, is_target: bool) -> dict[str, Any]:
    return {
        "column": declared.column,
        "name": declared.column.name,
        "attribute": declared.attribute,
        "code": declared.code,
        "constant": declared.constant,
        "categories": declared.categories,
        "comment": declared.comment,
        "is_target": is_target,
        "typical": typical(declared),
        "beyond": [*([] if declared.column.missing or not is_target else [None]), *beyond(declared)],
    }


def _features(choice: Choice) -> Iterator[dict[str, str]]:
    """The column itself, or the parts of a time that come again."""
    column = choice.column
    if column.kind not in TEMPORAL:
        yield {"name": column.name, "code": repr(column.name), "part": "", "comment": ""}
        return
    for part in _parts(column):
        yield {"name": "", "code": f"{part}({column.name!r})", "part": part, "comment": ""}


def _parts(column: Column) -> Iterator[str]:
    known = column.sample.drop_nulls()
    if column.kind != "Time":
        if known.dt.month().n_unique() > 1:
            yield "month"
        if known.dt.day().n_unique() > 1:  # else they stand for months or years
            yield "weekday"
    if column.kind != "Date" and known.dt.hour().n_unique() > 1:
        yield "hour"


def _imports(declared: list[Declared]) -> str:
    needed = {column.kind.lower() for column in declared if column.kind in TEMPORAL[:2]}
    return f"from datetime import {', '.join(sorted(needed))}" if needed else ""


def _mix(proposal: Proposal) -> str:
    """How the hundred rows of the tests come by as many true ones as there were."""
    question = proposal.question
    if question.positive is None:
        return ""
    true = max(1, round(100 * question.counts[question.positive] / question.rows))
    return f".with_columns((pl.int_range(pl.len()) < {true}).alias({question.target.name!r}))"


def _choices(proposal: Proposal) -> dict[str, Any]:
    """Metric, parameters and the worth of decisions."""
    question = proposal.question
    share = question.counts[question.positive] / question.rows if question.positive else 0.5
    alarms = max(1, round((1 - share) / share))
    groups = [c.name for c in proposal.having("feature") if 1 < len(c.column.values) <= SLICES and not c.sensitive]
    return {
        "metric": "rmse" if question.problem == "regression" else "average_precision" if share < RARE else "roc_auc",
        "model": proposal.parameters,
        "slices": groups[:2],
        "value": {"true_positive": 0, "false_positive": -1, "false_negative": -alarms} if question.positive else None,
        "value_note": f"as bad as {alarms} false alarms" if alarms > 1 else "",
    }


def write(proposal: Proposal, outcome: defaults.Outcome, folder: Path) -> list[Path]:
    """Write every file below the folder, formatted; their paths in the project."""
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"code": code, "yaml": plain_yaml, "comment": comment}
    facts = of(proposal, outcome)
    for name, place in PLACES.items():
        source = resources.files(__package__).joinpath("templates", f"{name}.txt").read_text(encoding="utf-8")
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / place / name).write_text(environment.from_string(source).render(facts), encoding="utf-8")
    written = [place / name for name, place in PLACES.items()]
    _format([folder / path for path in written if path.suffix == ".py"])
    return written


def code(value: Any) -> str:
    """The value as Python source."""
    if isinstance(value, datetime | date | time):
        return repr(value).removeprefix("datetime.")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(code, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{code(key)}: {code(each)}" for key, each in value.items()) + "}"
    return repr(value)


def plain_yaml(value: Any) -> str:
    """The value as YAML on one line."""
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=10**9)
    return text.removesuffix("...\n").strip()


def comment(text: str) -> str:
    """The text as a comment that ends a line."""
    return f" # {' '.join(text.split())}" if text else ""


def _format(files: list[Path]) -> None:
    """Lay the code out as the project's own style asks; files by name, for ruff passes over folders such as build/ and .nox/."""
    for command in (["check", "--fix-only", "--quiet"], ["format", "--quiet"]):
        config = ["--config", str(Path("pyproject.toml").resolve())]
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *config, *map(str, files)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise FactoryError(f"`ruff {command[0]}` failed: {done.stderr.strip() or done.stdout.strip()}")
