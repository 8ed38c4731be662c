#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = ["grafana-foundation-sdk==1769699998!10.1.0"]
# ///
"""Write the dashboard for Grafana, template/deploy/grafana/dashboards/model.json, by the types that Grafana publishes of it."""

import json
from pathlib import Path

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef, GridPos
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

FILE = Path(__file__).parents[1] / "template/deploy/grafana/dashboards/model.json"
PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
SERVED = 'route!~"/|/health.*|/metrics|/version"'

FIGURES = {
    "Open alerts": ("count(max by (model, code, column, since) (factory_monitor_alert)) or vector(0)", "short"),
    "Not evaluated": ("count(max by (code) (factory_monitor_state)) or vector(0)", "short"),
    "Since factory monitor last ran": ("time() - max(factory_monitor_last_run_timestamp_seconds)", "s"),
    "Rows with an outcome": ('max(factory_monitor_outcome_coverage{role="champion"})', "percentunit"),
}
MODEL = {
    "Main metric, with its 95% interval": ("short", {"factory_monitor_metric": "{{model}} {{role}} {{name}} {{bound}}"}),
    "Measured against the limit of an alert": (
        "short",
        {'factory_monitor_value{tier="alert"} / factory_monitor_limit{tier="alert"}': "{{model}} {{role}} {{code}} {{column}}"},
    ),
    "Distance to the training data (PSI), which never alerts": (
        "short",
        {'factory_monitor_value{tier="gauge", code="PSI"}': "{{model}} {{role}} {{column}}"},
    ),
    "Rows of the newest window": ("short", {"factory_monitor_window_rows": "{{model}} {{role}}"}),
}
SERVICE = {
    "Requests": ("reqps", {f"sum by (caller, status) (rate(factory_requests_total{{{SERVED}}}[5m]))": "{{caller}} {{status}}"}),
    "Rows scored a second": ("short", {"sum by (model, role) (rate(factory_rows_total[5m]))": "{{model}} {{role}}"}),
    "Errors and refusals": (
        "percentunit",
        {"factory:errors:ratio5m": "errors", "factory:refusals:ratio1h": "refusals in an hour"},
    ),
    "Seconds of a request": (
        "s",
        {
            f"histogram_quantile({share}, sum by (le) (rate(factory_request_seconds_bucket[5m])))": f"{share:.0%}"
            for share in (0.5, 0.95, 0.99)
        },
    ),
    "Values that were refused, or never seen, in an hour": (
        "short",
        {
            "sum by (column) (increase(factory_refused_values_total[1h]))": "refused {{column}}",
            "sum by (column) (increase(factory_unseen_categories_total[1h]))": "never seen {{column}}",
        },
    ),
    "CPU by caller": ("short", {"sum by (caller) (rate(factory_cpu_seconds_total[5m]))": "{{caller}}"}),
    "Memory": ("bytes", {'process_resident_memory_bytes{job="model"}': "{{instance}}"}),
    "Captured and lost rows in an hour": (
        "short",
        {
            "sum(increase(factory_captured_rows_total[1h]))": "captured",
            "sum by (reason) (increase(factory_capture_lost_rows_total[1h]))": "lost: {{reason}}",
        },
    ),
}


def query(expression: str, legend: str = "", name: str = "A") -> prometheus.Dataquery:
    return prometheus.Dataquery().datasource(PROMETHEUS).expr(expression).legend_format(legend).ref_id(name)


def figure(title: str, expression: str, unit: str, place: GridPos) -> stat.Panel:
    panel = stat.Panel().title(title).unit(unit).datasource(PROMETHEUS).grid_pos(place)
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    return panel.with_target(query(expression).instant())


def chart(title: str, unit: str, lines: dict[str, str], place: GridPos) -> timeseries.Panel:
    panel = timeseries.Panel().title(title).unit(unit).datasource(PROMETHEUS).grid_pos(place)
    panel = panel.legend(common.VizLegendOptions().show_legend(True))
    for number, (expression, legend) in enumerate(lines.items()):
        panel = panel.with_target(query(expression, legend, "ABC"[number]))
    return panel


def alerts(place: GridPos) -> table.Panel:
    panel = table.Panel().title("Open alerts").datasource(PROMETHEUS).grid_pos(place).show_header(True)
    listed = query("max by (model, code, column, since) (factory_monitor_alert)")
    return panel.with_target(listed.instant().format(PromQueryFormat.TABLE))


def charts(board: dashboard.Dashboard, title: str, shown: dict[str, tuple[str, dict[str, str]]], top: int) -> None:
    """A row, and below it the charts, two beside each other."""
    board.with_row(dashboard.Row(title).grid_pos(GridPos(h=1, w=24, x=0, y=top)))
    for number, (name, (unit, lines)) in enumerate(shown.items()):
        board.with_panel(chart(name, unit, lines, GridPos(h=8, w=12, x=number % 2 * 12, y=top + 1 + number // 2 * 8)))


def build() -> str:
    """The dashboard as JSON, a panel a line."""
    board = dashboard.Dashboard("Model").uid("model").readonly().refresh("1m").time("now-30d", "now").timezone("utc")
    for number, (title, (expression, unit)) in enumerate(FIGURES.items()):
        board.with_panel(figure(title, expression, unit, GridPos(h=4, w=6, x=number * 6, y=0)))
    board.with_panel(alerts(GridPos(h=6, w=24, x=0, y=4)))
    charts(board, "Model", MODEL, 10)
    charts(board, "Service", SERVICE, 27)
    content = json.loads(JSONEncoder(sort_keys=True).encode(board.build()))
    panels = ",\n".join(json.dumps(panel) for panel in content.pop("panels"))
    return f'{{"panels": [\n{panels}\n],\n{json.dumps(content)[1:]}\n'


if __name__ == "__main__":
    FILE.write_text(build(), encoding="utf-8")
