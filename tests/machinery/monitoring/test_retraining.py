"""One retraining for an alert and a state of the data, and one in seven days."""

from late_flights.factory.monitoring import retraining
from late_flights.factory.monitoring.retraining import Retraining
from tests.factory import toy
from tests.factory.cli_runner import run

from machinery.monitoring.reports import report, window


def alert(code="BIAS", model="v1", first="2026-05-01", **values):
    return {"model": model, "code": code, "from": first, "open": True, "retrain": True, **values}


def decide(until, *alerts, labelled=250, started=(), champion="v1"):
    windows = [window("2026-05-01", labelled=labelled)]
    return retraining.decide(report(*windows, alerts=alerts, until=until, champion=champion), started)


def test_once_for_a_key_until_there_are_new_data_and_one_in_seven_days(project):
    first = decide("2026-05-10", alert())
    assert (first.key, first.on) == ("v1 BIAS 2026-05-01", "2026-05-10")
    soon = decide("2026-05-16", alert(code="METRIC_FLOOR"), labelled=300, started=[first])
    assert soon == "one was started for 2026-05-10, and there is at most one in 7 days"
    assert "the data are those of the last one" in decide("2026-05-17", alert(), started=[first])
    again = decide("2026-05-17", alert(), labelled=300, started=[first])
    assert again == Retraining("v1 BIAS 2026-05-01", again.data, "2026-05-17") and again.data != first.data
    another = decide("2026-05-24", alert(), alert(model="v2", first="2026-05-20"), started=[first], champion="v2")
    assert another.key == "v2 BIAS 2026-05-20"


def test_a_delivery_is_new_data(project):
    first = decide("2026-05-10", alert())
    toy.rows(20).write_parquet("first.parquet")
    assert run("ingest", "first.parquet").exit_code == 0
    assert decide("2026-05-17", alert(), started=[first]).key == first.key


def test_no_evidence(project):
    for alerts in ((), (alert(retrain=False),), (alert(open=False),)):
        assert decide("2026-05-10", *alerts) == "no open alert of the newest version is evidence for one"


def test_a_version_that_is_promoted_and_not_yet_served_ends_it(project):
    assert isinstance(decide("2026-05-10", alert(), champion="v2"), str)


def test_image_of_before_a_rollback_is_the_champions(project):
    window_of_v1 = report(window("2026-05-01", labelled=250), alerts=[alert()], until="2026-05-10", champion="v3")
    assert retraining.decide({**window_of_v1, "champion_names": ["v1", "v3"]}, ()).key == "v1 BIAS 2026-05-01"
    assert isinstance(retraining.decide({**window_of_v1, "champion_names": ["v2", "v3"]}, ()), str)


def test_what_was_written_is_read(project):
    started = [Retraining("v1 BIAS 2026-05-01", "abc 3", "2026-05-10")]
    assert retraining.read() == []
    retraining.write(started)
    assert retraining.read() == started
