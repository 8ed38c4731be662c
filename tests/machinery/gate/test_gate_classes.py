"""The gate where there are several classes: one change at a time, refused for this reason alone."""

import numpy as np
import pytest
from late_flights.factory.gate import checks
from late_flights.factory.metrics import bootstrap
from tests.factory.gate_evidence import CHANCES, RED, ROWS, TARGET, both, params, passing, predictions, refusals

M = "multiclass"
TRUTH, CHOSEN = TARGET[M], CHANCES.argmax(axis=1)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Fewer resamples decide the same where the differences are large."""
    monkeypatch.setattr(bootstrap, "RESAMPLES", 20)


def mixed(share, other):
    return (1 - share) * CHANCES + share * other


BROKEN = {
    "below the floor": ("FLOOR", {"params": params(M, floor=0.1)}),
    "by chance": ("BASELINE", both(M, score=CHANCES[::-1]) | {"params": params(M, floor=9, calibration=9)}),
    "champion knows better": (
        "CHAMPION",
        {"champion": predictions(M, score=mixed(0.5, np.eye(3)[TRUTH.astype(int)])), "params": params(M, group_rows=9999)},
    ),
    "one group by chance": (
        "SLICE",
        {
            "challenger": predictions(M, score=np.where(RED[:, None], 1 / 3, CHANCES), decision=CHOSEN),
            "params": params(M, margin=0.9),
        },
    ),
    "one group given one class": (
        "FAIRNESS_SELECTION",
        both(M, decision=np.where(RED, 2, CHOSEN)) | {"params": params(M, error_gap=2)},
    ),
    "one group mistaken": (
        "FAIRNESS_ERROR",
        both(M, decision=np.where(RED, (TRUTH + 1) % 3, CHOSEN)) | {"params": params(M, selection_gap=0.9)},
    ),
    "too sure": ("CALIBRATION", both(M, score=mixed(0.45, np.eye(3)[CHOSEN]))),
    "no number": (
        "FINITE",
        {"challenger": predictions(M, score=np.where(np.arange(ROWS)[:, None] == 3, np.nan, CHANCES))},
    ),
}


@pytest.mark.parametrize("code, parts", BROKEN.values(), ids=BROKEN)
def test_one_fault_is_refused_by_its_name(code, parts):
    assert refusals(passing(M, **parts)) == {code}


def test_gap_names_the_class_and_the_groups():
    evidence = passing(M, **both(M, decision=np.where(RED, 2, CHOSEN)))
    notes = {check.code: check.note for check in checks.group_fairness(evidence)}
    assert (
        notes["FAIRNESS_SELECTION"].startswith("share predicted high 0.")
        and "against 1.00 (red, n " in notes["FAIRNESS_SELECTION"]
    )
