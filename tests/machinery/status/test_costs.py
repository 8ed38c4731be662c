"""`factory cost`: what runs, versions, a month and the next improvement cost, and how long the pipeline will still take."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from filelock import FileLock
from late_flights.factory.config import Monitor, Params
from late_flights.factory.dashboard import history
from late_flights.factory.dashboard.history import Cost, Made
from late_flights.factory.errors import CannotEvaluate
from late_flights.factory.registry.validity import Version
from late_flights.factory.status import bill, costs, forecast, improvement, runs
from late_flights.factory.status.reasons import Reasons
from late_flights.factory.status.runs import Run
from late_flights.factory.workspace import durations, stage
from tests.factory import git_repository, toy
from tests.factory.cli_runner import run
from tests.factory.git_repository import GATE, git

from machinery.dashboard import world

PRICES = Monitor(currency="EUR", price_per_hour=36, watts=36.0, price_per_kwh=1.0)
JANUARY = datetime(2025, 1, 31, 12, tzinfo=UTC)


# Runs


def test_each_run_is_listed_once_by_the_version_experiment_or_commit_that_has_it(project):
    trial = world.run_record(7) | {"finished": "2025-02-01T00:00:00+00:00"}
    Path("reports/run.json").write_text(json.dumps(trial))
    commit = git_repository.commit()
    git("update-ref", f"refs/exps/ab/{'c' * 38}/brave-owl", commit)
    git("reset", "--quiet", "--hard", "HEAD^")
    Path("reports/run.json").write_text(json.dumps(trial | {"finished": "2025-02-02T00:00:00+00:00", "model_id": "x"}))
    shown = git_repository.commit()
    Path("reports/run.json").write_text(json.dumps(trial | {"finished": "2025-02-03T00:00:00+02:00", "model_id": "y"}))
    found = runs.read(history.read(), PRICES)
    listed = [(each.name, each.kind) for each in found]
    kinds = ["version"] * 3 + ["experiment", "commit", "here"]
    assert listed == [*zip(["v1", "v2", "v3", "brave-owl", shown[:8], "not committed"], kinds, strict=True)]
    assert found[0].cost == Cost(11.0, 21.0, 301.0, pytest.approx(0.00021), pytest.approx(0.11021))


@pytest.mark.parametrize("record", ["[", "[]", '{"finished": 7}', '{"finished": "2025-01-01T00:00:00+00:00"}', '{"cost": []}'])
def test_a_record_that_cannot_be_read_is_left_out(project, record):
    Path("reports/run.json").write_text(record)
    git_repository.commit()
    assert [each.name for each in runs.read(history.read(), PRICES)] == ["v1", "v2", "v3"]


def test_energy_that_was_measured_counts_in_place_of_an_estimate():
    used = {"seconds": 1, "cpu_seconds": 100, "peak_memory_mb": 1}
    assert history.cost({"cost": used}, PRICES).kwh == pytest.approx(0.001)
    assert history.cost({"cost": used | {"kwh": 0.5}}, PRICES).kwh == 0.5


def test_month_has_its_own_runs_and_says_what_is_not_known(project):
    reasons, found = Reasons(), runs.read(history.read(), Monitor(currency="EUR"))
    month = costs.month([*found, Run("late", "commit", JANUARY - timedelta(days=40), "m", None)], Monitor(), JANUARY, reasons)
    assert (month.month, month.runs.count, month.runs.seconds, month.runs.money) == ("2025-01", 3, 36.0, None)
    assert {key: why.partition(":")[0] for key, why in reasons.unknown.items()} == {
        "cost.runs.kwh": "NO_PRICE",
        "cost.runs.money": "NO_PRICE",
        "cost.serving": "NO_PROMETHEUS",
    }


# Serving


@pytest.fixture
def prometheus(monkeypatch):
    """A Prometheus that answers with these results; the queries that it was asked."""
    asked, answers = [], [[{"metric": {}, "value": [0, "7200"]}], [{"metric": {}, "value": [0, "480"]}]]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(parse_qs(urlsplit(self.path).query)["query"][0])
            body = json.dumps({"data": {"result": answers[(len(asked) - 1) % 2]}}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setenv("FACTORY_PROMETHEUS", f"http://127.0.0.1:{server.server_port}")
    yield asked, answers
    server.shutdown()
    server.server_close()


def test_serving_costs_its_hours_and_its_energy(prometheus):
    used = costs.serving(datetime(2025, 1, 1, tzinfo=UTC), JANUARY)
    prices = PRICES.model_copy(update={"price_per_service_hour": 0.5})
    assert used == costs.Used(7200.0, 480.0) and used.kwh(prices) == pytest.approx(0.072)
    assert used.money(prices) == pytest.approx(240.072) and used.money(Monitor()) is None
    assert all("[2635200s" in query for query in prometheus[0])


def test_a_month_without_services_is_not_one_that_costs_nothing(prometheus):
    prometheus[1][:] = [[], []]
    with pytest.raises(CannotEvaluate, match=r"^NO_FIGURES: "):
        costs.serving(datetime(2025, 1, 1, tzinfo=UTC), JANUARY)


# The next improvement


def version(number, gain=None, action="promote"):
    check = {"code": "VALUE", "what": "value per decision, gain over the champion", "passed": True}
    gains = [] if gain is None else [check | {"figure": gain, "low": gain - 0.1, "high": gain + 0.1}]
    other = [check | {"what": 'value per decision, gain over always "no"', "figure": 9.0, "low": 8.0, "high": 10.0}]
    at = (JANUARY + timedelta(days=number)).isoformat()
    record = {"action": action, "at": at, "model": f"m{number}", "gate": {"checks": [*other, *gains]}}
    return Made(Version(number, "t", "c", record), record, {})


def ran(days, money=10.0):
    return Run("r", "commit", JANUARY + timedelta(days=days), f"m{days}", Cost(60.0, 60.0, 1.0, None, money))


def report(**changes):
    window = {"role": "champion", "from": "2025-01-21", "to": "2025-01-25", "rows": 500}
    old = {"from": "2024-01-01", "to": "2024-01-01", "rows": 7}
    windows = [window, window | {"role": "challenger", "rows": 9}, window | old]
    return {"until": "2025-01-30", "windows": windows} | changes


def valued(value={"true_positive": 1.0}, **monitor):  # noqa: B006
    return Params.model_validate(yaml.safe_load(toy.text(value=value, monitor=monitor)))


def worth(made, found, settings, **changes):
    return improvement.worth(made, improvement.by_version(made, found), settings, lambda: report(**changes))


def test_a_version_costs_all_runs_since_the_one_before():
    made = [version(1), version(2), version(3, action="rollback"), version(4)]
    found = improvement.by_version(made, [ran(0.5), ran(1), ran(1.5, None), ran(2.5), ran(3.5), ran(5)])
    assert {name: (each.count, each.money) for name, each in found.items()} == {
        "v1": (2, 20.0),
        "v2": (1, None),
        "v4": (2, 20.0),
        "": (1, 10.0),
    }


def test_the_next_improvement_is_like_the_median_of_those_before():
    made = [version(1), version(2, 0.2), version(3, 0.4), version(4, 0.3)]
    found = worth(made, [ran(1), ran(2), ran(2.5), ran(3), ran(4, 30.0)], valued(price_per_value=0.5))
    assert found.rows_per_month == 1500  # 500 rows in ten days
    assert (found.worth, found.least, found.most) == (pytest.approx(450), pytest.approx(300), pytest.approx(600))
    assert (found.cost, found.months) == (20.0, pytest.approx(20 / 225))
    assert [each.version for each in found.improvements] == ["v2", "v3", "v4"]


def test_a_window_that_began_before_the_month_is_counted_by_its_own_days():
    long = {"role": "champion", "from": "2024-12-13", "to": "2025-01-01", "rows": 2000}
    assert (
        improvement.rows_per_month(report(windows=[long, long | {"from": "2025-01-02", "to": "2025-01-30", "rows": 2900}]))
        == 3000
    )


def test_what_gains_nothing_never_pays_and_without_a_price_nobody_knows():
    made, found = [version(1), version(2, -0.1)], [ran(1), ran(2)]
    assert worth(made, found, valued(price_per_value=1.0)).months is None
    assert worth([version(1), version(2, 0.2)], found, valued()).months is None


@pytest.mark.parametrize(
    "made, found, settings, changes, code",
    [
        ([version(1), version(2, 0.2)], [ran(2)], valued(None), {}, "NO_VALUE"),
        ([version(1)], [ran(1)], valued(), {}, "NO_IMPROVEMENT"),
        ([version(1), version(2, 0.2)], [ran(2)], valued(), {"windows": []}, "NO_ROWS"),
        ([version(1), version(2, 0.2)], [ran(2, None)], valued(), {}, "NO_PRICE"),
    ],
)
def test_where_evidence_lacks_it_is_not_known(made, found, settings, changes, code):
    with pytest.raises(CannotEvaluate, match=rf"^{code}: "):
        worth(made, found, settings, **changes)


# The time left


@pytest.fixture
def taken(bare):
    """A project of 1,000 bytes of deliveries, whose stages have ended before with half as many."""
    Path("data/raw").mkdir(parents=True)
    Path("data/raw/may.csv").write_bytes(b"x" * 1000)
    durations.TAKEN.parent.mkdir(parents=True)
    seconds = {"prepare": 5.0, "train": 50.0, "evaluate": 10.0}
    durations.TAKEN.write_text(json.dumps({name: {"seconds": each, "bytes": 500} for name, each in seconds.items()}))


def running(name, seconds, pipeline=True):
    since = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    durations.RUNNING.write_text(json.dumps({"stage": name, "since": since, "pipeline": pipeline}))
    return FileLock(durations.lock(name))


@pytest.mark.parametrize(
    "name, elapsed, pipeline, left, late",
    [
        ("prepare", 2, True, 128, False),
        ("train", 40, True, 80, False),
        ("train", 40, False, 60, False),
        ("train", 150, True, 20, True),
    ],
)
def test_time_left_grows_with_the_data(taken, name, elapsed, pipeline, left, late):
    with running(name, elapsed, pipeline):
        found = forecast.forecast()
    assert found.left == pytest.approx(left, abs=1) and found.late is late


def test_a_stage_that_was_killed_does_not_run(taken):
    running("train", 40)
    with pytest.raises(CannotEvaluate, match=r"^NOT_RUNNING: "):
        forecast.forecast()


def test_what_never_ended_here_has_no_forecast(taken):
    durations.TAKEN.write_text('{"train": {"seconds": 1, "bytes": 1}}')
    with running("train", 1), pytest.raises(CannotEvaluate, match=r"^NO_DURATION: .* evaluate never ended here"):
        forecast.forecast()


def test_a_stage_records_how_long_it_took_once_it_is_done(taken):
    with stage.stage("train", [Path("model")]) as staging:
        (staging / "model").mkdir()
        assert durations.running().stage == "train"
        assert forecast.forecast().stage == "train"
    assert durations.running() is None and durations.taken()["train"].bytes == 1000
    assert durations.taken()["train"].seconds < 50 and durations.taken()["prepare"].seconds == 5.0
    with pytest.raises(ZeroDivisionError), stage.stage("evaluate", [Path("reports")]):
        raise ZeroDivisionError
    assert durations.taken()["evaluate"].seconds == 10.0


# The command


def test_command(project):
    Path("params.yaml").write_text(toy.text(gate=GATE, monitor={"currency": "EUR", "price_per_hour": 36, "watts": 36.0}))
    lines = run("cost").output.splitlines()
    assert lines[0].endswith("EUR") and lines[2].split()[:2] == ["v1", "version"] and lines[2].endswith("0.11")
    assert "v2: 1 run, 12 s, 22 s of CPU, 0.22 Wh, 0.12 EUR" in lines
    assert any(line.startswith("The next improvement: not known, NO_IMPROVEMENT: ") for line in lines)
    content = json.loads(run("cost", "--json").output)
    assert [each["name"] for each in content["runs"]] == ["v1", "v2", "v3"] and content["versions"]["v3"]["count"] == 1
    assert content["forecast"] is None and content["unknown"]["forecast"].startswith("NOT_RUNNING: ")


def test_command_says_what_an_improvement_is_worth_and_what_time_is_left(taken):
    found = improvement.Worth([], 1500.0, 450.0, 300.0, 600.0, 20.0, 0.1)
    with running("train", 40):
        shown = bill.Bill(PRICES, "2025-01", [], {}, costs.Used(7200, 480), found, forecast.forecast(), {})
        text = "\n".join(shown.lines())
    assert "Serving in 2025-01: 480 hours of services, 2 h of CPU, 72 Wh" in text and "It pays for its runs in 3 days." in text
    assert "450 a month in the unit of `value`, by 1,500 rows, for 20 EUR of runs" in text
    assert "Running: train for 40 s; about 1.3 min left, until " in text
    assert shown.to_json()["forecast"]["stage"] == "train" and json.dumps(shown.to_json())


def test_nothing_is_shown_of_nothing(bare):
    git_repository.commit()
    assert run("cost").output.startswith("0 runs\n")
