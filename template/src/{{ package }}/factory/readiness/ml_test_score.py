"""The 28 tests of Breck et al. (2017), and the evidence for those that this project can automate."""

from datetime import UTC, datetime

from . import faults
from .faults import Fault
from .score import Criterion, FaultTest
from .served import CAPTURES

FEATURES, MODEL, CONTRACT = "tests/test_features.py", "tests/test_model.py", "tests/test_contract.py"
SCORING, STAGES = "tests/factory/test_scoring.py", "tests/factory/test_stages.py"
GATE, ROLLBACK = "tests/factory/test_gate.py", "tests/factory/test_rollback.py"
SCORE = ("factory", "score", "data/prepared/test.parquet", "scores.parquet")
MONITOR = ("factory", "monitor", "--captures", f"{CAPTURES}", "--until", f"{datetime.now(UTC):%Y-%m-%d}")


def stage_refuses(what: str, fault: Fault, reason: str, *stages: str) -> FaultTest:
    """The stages run on the faulty copy, and the last one fails."""
    return FaultTest(what, fault, tuple(("factory", stage) for stage in stages), reason)


def gate_refuses(what: str, fault: Fault, code: str, *stages: str) -> FaultTest:
    """The stages run on the faulty copy, and then the gate refuses the model."""
    return stage_refuses(what, fault, code, *stages, "compare")


def tests_fail(what: str, fault: Fault, path: str) -> FaultTest:
    """A test fails on the faulty copy."""
    return FaultTest(what, fault, (("pytest", path),), f"FAILED {path}")


def monitor_alerts(what: str, fault: Fault, reason: str, *options: str) -> FaultTest:
    """Monitoring finds the fault in what was captured, in outcomes or in deliveries."""
    return FaultTest(what, fault, ((*MONITOR, *options),), reason)


CRITERIA = (
    Criterion(
        "Data",
        "Feature expectations are captured in a schema",
        CONTRACT,
        (
            stage_refuses("a column in the wrong unit", faults.wrong_unit, "Error: data/raw/", "prepare"),
            tests_fail("a contract without limits", faults.no_limits, CONTRACT),
        ),
    ),
    Criterion(
        "Data",
        "All features are beneficial",
        missing="the report shows the feature importance; somebody has to assess it",
    ),
    Criterion(
        "Data",
        "No feature's cost is too much",
        missing="what a feature costs is not in the data; somebody has to assess it",
    ),
    Criterion(
        "Data",
        "Features adhere to meta-level requirements",
        FEATURES,
        (
            stage_refuses("target leakage", faults.target_leak, "alone", "prepare", "train"),
            gate_refuses("target leakage that training missed", faults.unnoticed_leak, "LEAKAGE: "),
        ),
    ),
    Criterion(
        "Data",
        "The data pipeline has appropriate privacy controls",
        missing="who may see which data is not in the project; somebody has to assess it",
    ),
    Criterion("Data", "New features can be added quickly", missing="measure once how long it takes"),
    Criterion(
        "Data",
        "All input feature code is tested",
        FEATURES,
        (tests_fail("features that depend on other rows", faults.row_dependence, FEATURES),),
    ),
    Criterion("Model", "Model specs are reviewed and submitted", missing="link the reviews of your pull requests"),
    Criterion(
        "Model",
        "Offline and online metrics correlate",
        missing="what the scores are to achieve is measured outside of the project",
    ),
    Criterion(
        "Model", "All hyperparameters have been tuned", missing="run `uv run factory tune` and note what it found"
    ),
    Criterion(
        "Model",
        "The impact of model staleness is known",
        missing="compare an older version with the present one on new data",
    ),
    Criterion(
        "Model",
        "A simpler model is not better",
        GATE,
        (gate_refuses("a model trained on shuffled targets", faults.shuffled_target, "BASELINE", "train"),),
    ),
    Criterion(
        "Model",
        "Model quality is sufficient on important data slices",
        GATE,
        (gate_refuses("a group with flipped targets", faults.flipped_group, "SLICE", "train"),),
    ),
    Criterion(
        "Model",
        "The model is tested for considerations of inclusion",
        GATE,
        (gate_refuses("a group that is always selected", faults.favoured_group, "FAIRNESS", "train"),),
    ),
    Criterion(
        "Infrastructure",
        "Training is reproducible",
        MODEL,
        (tests_fail("a random model", faults.random_model, MODEL),),
    ),
    Criterion(
        "Infrastructure",
        "Model specs are unit tested",
        MODEL,
        (tests_fail("a dummy model", faults.dummy_model, MODEL),),
    ),
    Criterion(
        "Infrastructure",
        "The ML pipeline is integration tested",
        STAGES,
        (gate_refuses("a model trained on a different split", faults.other_split, "MODEL_MISSING", "prepare"),),
    ),
    Criterion(
        "Infrastructure",
        "Model quality is validated before serving",
        GATE,
        (gate_refuses("a worse model", faults.dummy_model, "CHAMPION", "train"),),
    ),
    Criterion("Infrastructure", "The model is debuggable", missing="step through one training in a debugger"),
    Criterion(
        "Infrastructure", "Models are canaried before serving", missing="needs a service that splits its traffic"
    ),
    Criterion("Infrastructure", "Serving models can be rolled back", ROLLBACK),
    Criterion(
        "Monitoring",
        "Dependency changes result in notification",
        CONTRACT,
        (monitor_alerts("a source that renames a column", faults.renamed_column, "✗ REFUSALS deliveries"),),
    ),
    Criterion(
        "Monitoring",
        "Data invariants hold for inputs",
        SCORING,
        (
            FaultTest(
                "rows to score in the wrong unit", faults.wrong_unit_at_scoring, (SCORE,), "rows, first in data row"
            ),
            monitor_alerts("a column without values in service", faults.missing_values, "✗ MISSING_VALUES"),
        ),
    ),
    Criterion(
        "Monitoring",
        "Training and serving are not skewed",
        SCORING,
        (stage_refuses("features that depend on other rows", faults.row_dependence, "for the same row", "train"),),
    ),
    Criterion(
        "Monitoring",
        "Models are not too stale",
        SCORING,
        (
            monitor_alerts(
                "outcomes that have moved since the training", faults.moved_outcomes, '"retrain": true', "--json"
            ),
        ),
    ),
    Criterion(
        "Monitoring",
        "Models are numerically stable",
        GATE,
        (stage_refuses("scores that are not finite", faults.not_finite, "NaN or infinity", "train"),),
    ),
    Criterion(
        "Monitoring",
        "Computing performance has not regressed",
        GATE,
        (gate_refuses("a model slower and larger than the limits", faults.low_limits, "LATENCY, SIZE"),),
    ),
    Criterion(
        "Monitoring",
        "Prediction quality on served data has not regressed",
        SCORING,
        (monitor_alerts("scores that outcomes contradict", faults.shuffled_outcomes, "✗ METRIC_FLOOR"),),
    ),
)
