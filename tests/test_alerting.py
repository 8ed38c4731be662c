"""What is provisioned for Prometheus, Alertmanager and Grafana: by their own tools, and against a real Prometheus."""

import ast
import json
import re
import shutil
import subprocess

import pytest
import yaml
from conftest import ROOT
from workshop import require, run

DEPLOY = ROOT / "template/deploy"
DASHBOARD = DEPLOY / "grafana/dashboards/model.json"


@pytest.mark.slow
def test_rules_alert_on_what_they_should_and_on_nothing_else(tmp_path):
    promtool = require("promtool")
    for file in ("prometheus.yaml", "rules.yaml"):
        shutil.copy(DEPLOY / file, tmp_path)
    shutil.copy(ROOT / "tests/rules_test.yaml", tmp_path)
    run(tmp_path, promtool, "check", "config", "prometheus.yaml")
    run(tmp_path, promtool, "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")
    run(tmp_path, promtool, "test", "rules", "rules_test.yaml")


@pytest.mark.slow
def test_what_services_used_in_a_month_is_summed_up(tmp_path):
    """Two services for ten hours, one of them for five; a process that is no service does not count."""
    promtool = require("promtool")
    [module] = (ROOT / "template/src").glob("*/factory/dashboard/operations.py")
    [use] = (node for node in ast.parse(module.read_text("utf-8")).body if ast.unparse(node).startswith("USE ="))
    queries = {name: text.format(span="36000s") for name, text in ast.literal_eval(use.value).items()}
    series = [
        ('process_cpu_seconds_total{instance="a",job="model"}', "0+60x600"),
        ('process_cpu_seconds_total{instance="b",job="model"}', "0+30x300"),
        ('process_cpu_seconds_total{instance="c",job="other"}', "0+60x600"),
        ('factory_connections{instance="a",job="model"}', "1x600"),
        ('factory_connections{instance="b",job="model"}', "0x300 stale"),
    ]
    expected = {"cpu_seconds": 60 * 600 + 30 * 300, "hours": 15}
    (tmp_path / "rules.yaml").write_text("groups: []\n")
    checks = [
        {
            "expr": f"abs(({queries[name]}) / {value} - 1) < bool 0.03",
            "eval_time": "600m",
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for name, value in expected.items()
    ]
    inputs = [{"series": name, "values": values} for name, values in series]
    tests = [{"interval": "1m", "input_series": inputs, "promql_expr_test": checks}]
    (tmp_path / "test.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": tests}))
    run(tmp_path, promtool, "test", "rules", "test.yaml")


def test_each_alert_is_tested():
    rules = [rule for group in yaml.safe_load((DEPLOY / "rules.yaml").read_text())["groups"] for rule in group["rules"]]
    tested = yaml.safe_load((ROOT / "tests/rules_test.yaml").read_text())["tests"]
    fired = {each["alertname"] for test in tested for each in test["alert_rule_test"] if each.get("exp_alerts")}
    assert fired == {rule["alert"] for rule in rules if "alert" in rule}


def test_the_runbook_says_what_to_do_at_each_alert():
    alerts = set(re.findall(r"alert: (\w+)", (DEPLOY / "rules.yaml").read_text("utf-8")))
    runbook = (ROOT / "template/docs/runbook.md").read_text("utf-8")
    assert alerts == set(re.findall(r"^(?:### |\| )([A-Z][a-z]+[A-Z]?\w*)\b(?= \||$)", runbook, re.MULTILINE))


@pytest.mark.slow
def test_the_dashboard_is_what_its_tool_writes(tmp_path):
    written = "import grafana; print(grafana.build(), end='')"
    [needed] = (line for line in (ROOT / "tools/grafana.py").read_text().splitlines() if line.startswith("# dependencies"))
    [package] = json.loads(needed.partition(" = ")[2])
    command = ("uv", "run", "--quiet", "--no-project", f"--with={package}", "python", "-c", written)
    done = subprocess.run(command, cwd=ROOT / "tools", capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == DASHBOARD.read_text("utf-8")
