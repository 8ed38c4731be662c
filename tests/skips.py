"""No test is skipped in silence: each run ends with what it did not test; in CI, a skip that is not listed here fails it.

A pytest plugin, for every session that tests this repository: `pytest_plugins = ["skips"]`, or `-p skips` with this folder
on PYTHONPATH.
"""

import os
from collections import Counter
from collections.abc import Iterator

import pytest

# What CI may skip: a part of the test's id, and the reason why nothing can be installed that would let it run.
EXCEPTIONS = {
    "test_rules_alert_on_what_they_should": "promtool is in Debian's package prometheus alone",
    "tests/test_cluster.py": "a node of Kubernetes 1.20 takes root, Debian's packages, and an engine of its time",
}


def skipped(config: pytest.Config) -> list[pytest.TestReport | pytest.CollectReport]:
    """Tests, and modules that skip themselves while they are collected. Workers of xdist count nothing: their controller does."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return reporter.stats.get("skipped", []) if reporter else []


def refused(config: pytest.Config) -> Iterator[str]:
    for report in skipped(config) if os.environ.get("CI") else []:
        if not any(part in report.nodeid for part in EXCEPTIONS):
            yield report.nodeid


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) and any(refused(session.config)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = Counter((report.nodeid.partition("::")[0], report.longrepr[2]) for report in skipped(config))
    if found:
        terminalreporter.section("Not tested here")
    for (file, reason), count in found.items():
        terminalreporter.line(f"{file}: {reason.removeprefix('Skipped: ')} ({count})")
    for test in refused(config):
        terminalreporter.line(f"FAILED {test}: skipped in CI, and no exception in {__name__}.py", red=True)
