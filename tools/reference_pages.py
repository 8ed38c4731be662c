"""The reference of the site, written from the code: commands, environment variables, metrics and reason codes.

`python tools/reference.py` writes them, too.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock, patch

import click

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs/reference"
sys.path.insert(0, str(ROOT / "template/src/{{ package }}"))

from factory import codes, variables
from factory.cli.main import GROUPS, main
from factory.serving import settings

COMMANDS = """\
# Commands

Each command of `factory`, as `uv run factory COMMAND --help` explains it, by the groups of `uv run factory --help`. They run in a project's
folder. What to run for what you want to do, exit codes and completion: [commands of a project](../../template/docs/commands.md).
"""
VARIABLES = """\
# Environment variables

What is set for a person's shell, for a pipeline or for the service. No secret belongs into a file.

## Commands and pipelines
"""
SERVICE = """\

## The service

`factory serve` and the image read these when they start, and refuse an unknown name; see [serving](../../template/docs/serving.md).
"""
FLEET = """\

## The template's repository

The hub, waves of updates and the site read these, in the shell or in the pipelines of the template's repository, or of your fork of it; see
[all projects](../how-to/see-the-fleet.md) and [waves](../how-to/update-many-projects.md).
"""
METRICS = """\
# Metrics

## Of a model

`evaluation.metric` in `params.yaml` names the main one; the others are in the report and in `reports/metrics.json`.
"""
CODES = """\
# Reason codes

Whatever refuses, fails or alerts has a code, with a line that names what it is about. In a project, `uv run factory reason CODE`
shows the same.
"""
REPOSITORY = {
    "FLEET": "path of the list of projects, such as FLEET.csv: with it, a pipeline publishes the hub each night",
    "FLEET_TOKEN": "secret: token that reads the projects' repositories, for the hub",
    "FLEET_PAGES": "where it is set, GitHub Pages shows the hub",
    "SITE_PAGES": "where it is set, GitHub Pages shows the documentation site of each release",
    "FACTORY_TOKEN": "secret: token with which `hub.py` and `fleet.py` log in where all projects are at one server",
    "FACTORY_TOKEN_…": "secret: the same for one server, by its name, such as FACTORY_TOKEN_GITHUB_COM",
    "UV_DEFAULT_INDEX": "index of packages, which the hub asks for withdrawn releases",
    "UV_INDEX_URL": "the same, by uv's older name",
}
AREAS = {
    "gate": "The gate",
    "versions": "Versions and signatures",
    "verification": "Verification",
    "data": "Data and storage",
    "pipelines": "Pipelines",
    "monitoring": "Monitoring",
    "deployment": "Deployment",
    "scoring": "Scoring",
    "status": "The status",
    "fleet": "The hub",
}


def pages() -> dict[str, str]:
    """The text of each page, by its file's name."""
    return {
        "commands.md": "\n".join([COMMANDS, *commands()]),
        "environment-variables.md": "\n".join(
            [VARIABLES, *listed(variables.VARIABLES), SERVICE, *service_variables(), FLEET, *listed(REPOSITORY)]
        ),
        "metrics.md": "\n".join([METRICS, *model_metrics(), *exported()]),
        "reason-codes.md": "\n".join([CODES, *reason_codes()]),
    }


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text.rstrip("\n") + "\n", "utf-8")


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Lines of Markdown, with one after them."""
    heads = list(heads)
    lines = (" | ".join(cell.replace("|", r"\|").replace("\n", " ") for cell in row) for row in rows)
    return [*(f"| {line} |" for line in [" | ".join(heads), " | ".join(["---"] * len(heads)), *lines]), ""]


def commands() -> Iterator[str]:
    """A section for each group, and in it one for each command."""
    for module, title in GROUPS.items():
        yield f"## {title}\n"
        for name, command in main.commands.items():
            if command.callback.__module__.rpartition(".")[2] == module:
                yield from described(f"factory {name}", command)


def described(name: str, command: click.Command) -> Iterator[str]:
    """How it is called, what it does, and its options; of a group, those of its commands."""
    arguments = [argument for argument in command.params if isinstance(argument, click.Argument)]
    options = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
    usage = [name, *(["[OPTIONS]"] if options else []), *map(placeholder, arguments)]
    yield f"### {name}\n\n```\n{' '.join(usage)}\n```\n"
    yield prose(command.help or "")
    if options:
        yield from table(["option", "what it is"], ([f"`{called(option)}`", stated(option)] for option in options))
    for each, nested in command.commands.items() if isinstance(command, click.Group) else ():
        yield from described(f"{name} {each}", nested)


def placeholder(argument: click.Argument) -> str:
    name = (argument.metavar or argument.name or "").upper().strip("[].")
    name += "..." if argument.nargs != 1 else ""
    return name if argument.required else f"[{name}]"


def prose(text: str) -> str:
    """The help as Markdown: what click keeps line by line is code."""
    parts = re.split(r"\n\s*\n", inspect.cleandoc(text))
    return "\n\n".join(f"```\n{part[2:]}\n```" if part.startswith("\b\n") else escaped(part) for part in parts) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, but for code."""
    return re.sub(r"`[^`]+`|([*_<\[])", lambda match: f"\\{match[1]}" if match[1] else match[0], text)


def called(option: click.Option) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    if option.is_flag:
        return names
    kind = "|".join(map(str, option.type.choices)) if isinstance(option.type, click.Choice) else option.type.name.upper()
    return f"{names} {option.metavar or kind}"


def stated(option: click.Option) -> str:
    """Its help, and what holds without it."""
    default = option.default if isinstance(option.default, str | int | float) and not isinstance(option.default, bool) else ""
    notes = ["required" if option.required else "", f"default: {default}" if default != "" and option.show_default else ""]
    return " ".join([escaped(" ".join((option.help or "").split())), *(f"({note})" for note in notes if note)]).strip()


def listed(meanings: Mapping[str, str]) -> list[str]:
    return table(["variable", "what it is"], ([f"`{name}`", escaped(text)] for name, text in meanings.items()))


def service_variables() -> list[str]:
    """The settings of the service with their defaults."""
    fields = settings.Settings.model_fields.items()
    return table(
        ["variable", "default", "what it is"],
        ([f"`{settings.PREFIX}{name.upper()}`", set_to(field.default), field.description] for name, field in fields),
    )


def set_to(default: object) -> str:
    return "none" if default in (None, "") else f"`{str(default).lower() if isinstance(default, bool) else default}`"


@contextmanager
def without(*libraries: str) -> Iterator[None]:
    """Let modules be imported that only use these libraries when they work."""
    with patch.dict(sys.modules, {name: MagicMock() for name in libraries}):
        yield


def direction(metric: Any) -> str:
    """Which values are better, if any are."""
    return ("higher" if metric.higher_is_better else "lower") if metric.judges else "neither"


def model_metrics() -> Iterator[str]:
    """By problem."""
    with without("dataframely", "numpy", "numpy.typing", "polars"):
        from factory.metrics import definitions
    for problem, metrics in definitions.METRICS.items():
        rows = ([f"`{name}`", metric.label, direction(metric), metric.meaning] for name, metric in metrics.items())
        yield f"### {problem.capitalize()}\n"
        yield from table(["metric", "name in the report", "better", "what it is"], rows)


def exported() -> Iterator[str]:
    """What Prometheus gets: from the service, and from monitoring."""
    found: list[list[str]] = []
    with patch.dict(sys.modules, {"prometheus_client": prometheus(found)}):
        from factory.monitoring import prometheus as monitor
        from factory.serving import metrics

        metrics.Telemetry()
        yield "## Of the service\n\nPrometheus reads them from `/metrics`.\n"
        yield from table(["metric", "type", "labels", "what it is"], found)
        found.clear()
        empty = dict.fromkeys(("alerts", "notices", "states", "windows"), ())
        monitor.write(empty | {"until": "2000-01-01"}, FOLDER)
        yield "## Of monitoring\n\n`uv run factory monitor` writes them to `reports/monitor.prom`, for the node exporter.\n"
        yield from table(["metric", "type", "labels", "what it is"], found)


def prometheus(found: list[list[str]]) -> ModuleType:
    """A stand-in for prometheus_client that lists the metrics which are made."""

    def kind(word: str) -> Callable[..., MagicMock]:
        def made(name: str, text: str, labels: Iterable[str] = (), namespace: str = "", **_: object) -> MagicMock:
            suffix = "_total" if word == "counter" else ""
            found.append([f"`{namespace}_{name}{suffix}`", word, ", ".join(f"`{label}`" for label in labels), text])
            return MagicMock()

        return made

    return MagicMock(Counter=kind("counter"), Gauge=kind("gauge"), Histogram=kind("histogram"))


def reason_codes() -> Iterator[str]:
    """A section for each area."""
    for area, title in AREAS.items():
        found = [each for each in codes.known().values() if each.area == area]
        yield f"## {title}\n"
        yield from table(
            ["code", "what it means", "what to do"], ([f"`{each.code}`", each.meaning, each.remedy] for each in found)
        )
