"""The 28 tests of Breck et al. (2017), and how this project shows those that it claims."""

from . import faults
from .faults import Break
from .score import Claim, Trial

FEATURES, MODEL, CONTRACT = "tests/test_features.py", "tests/test_model.py", "tests/test_contract.py"
SCORING, STAGES = "tests/factory/test_scoring.py", "tests/factory/test_stages.py"
GATE, ROLLBACK = "tests/factory/test_gate.py", "tests/factory/test_rollback.py"


def by_stage(what: str, broken: Break, reason: str, *stages: str) -> Trial:
    """The stages run on what is broken, and the last refuses."""
    return Trial(what, broken, tuple(("factory", stage) for stage in stages), reason)


def by_gate(what: str, broken: Break, code: str, *stages: str) -> Trial:
    """The model is made anew where need be, and the gate refuses it."""
    return by_stage(what, broken, code, *stages, "compare")


def by_tests(what: str, broken: Break, path: str) -> Trial:
    """A test fails."""
    return Trial(what, broken, (("pytest", path),), f"FAILED {path}")


CLAIMS = (
    Claim(
        "Data",
        "Feature expectations are captured in a schema",
        CONTRACT,
        (
            by_stage("a column in another unit", faults.hundredfold, "Error: data/raw/", "prepare"),
            by_tests("a contract without limits", faults.unlimited, CONTRACT),
        ),
    ),
    Claim("Data", "All features are beneficial", missing="the report shows importance, a person has to judge it"),
    Claim("Data", "No feature's cost is too much", missing="only people know what a feature costs"),
    Claim(
        "Data",
        "Features adhere to meta-level requirements",
        FEATURES,
        (by_stage("a feature that tells the target", faults.leaked, "alone tells", "prepare", "train"),),
    ),
    Claim("Data", "The data pipeline has appropriate privacy controls", missing="only people know who may see what"),
    Claim("Data", "New features can be added quickly", missing="time it once by hand"),
    Claim(
        "Data",
        "All input feature code is tested",
        FEATURES,
        (by_tests("features that depend on other rows", faults.company_matters, FEATURES),),
    ),
    Claim("Model", "Model specs are reviewed and submitted", missing="the reviews of your branches are the evidence"),
    Claim("Model", "Offline and online metrics correlate", missing="needs labels that arrive after serving"),
    Claim("Model", "All hyperparameters have been tuned", missing="run `factory tune` and note what it found"),
    Claim("Model", "The impact of model staleness is known", missing="needs monitoring over time"),
    Claim(
        "Model",
        "A simpler model is not better",
        GATE,
        (by_gate("a model of shuffled outcomes", faults.shuffled, "BASELINE", "train"),),
    ),
    Claim(
        "Model",
        "Model quality is sufficient on important data slices",
        GATE,
        (by_gate("a group learned the wrong way round", faults.group_forgotten, "SLICE", "train"),),
    ),
    Claim(
        "Model",
        "The model is tested for considerations of inclusion",
        GATE,
        (by_gate("a group that is always chosen", faults.group_favoured, "FAIRNESS", "train"),),
    ),
    Claim(
        "Infrastructure",
        "Training is reproducible",
        MODEL,
        (by_tests("training on rows of chance", faults.unseeded, MODEL),),
    ),
    Claim(
        "Infrastructure",
        "Model specs are unit tested",
        MODEL,
        (by_tests("a model that knows nothing", faults.knows_nothing, MODEL),),
    ),
    Claim(
        "Infrastructure",
        "The ML pipeline is integration tested",
        STAGES,
        (by_tests("stages that score otherwise than they learned", faults.served_differently, STAGES),),
    ),
    Claim(
        "Infrastructure",
        "Model quality is validated before serving",
        GATE,
        (by_gate("a worse model", faults.knows_nothing, "CHAMPION", "train"),),
    ),
    Claim("Infrastructure", "The model is debuggable", missing="walk through one training by hand"),
    Claim("Infrastructure", "Models are canaried before serving", missing="needs a service that splits its traffic"),
    Claim(
        "Infrastructure",
        "Serving models can be rolled back",
        ROLLBACK,
        (by_tests("a rollback to the wrong version", faults.wrong_version, ROLLBACK),),
    ),
    Claim("Monitoring", "Dependency changes result in notification", missing="needs a bot that watches uv.lock"),
    Claim(
        "Monitoring",
        "Data invariants hold for inputs",
        SCORING,
        (by_tests("scoring that skips the contract", faults.unchecked, SCORING),),
    ),
    Claim(
        "Monitoring",
        "Training and serving are not skewed",
        SCORING,
        (by_tests("a feature changed only in serving", faults.served_differently, SCORING),),
    ),
    Claim("Monitoring", "Models are not too stale", missing="needs monitoring of the model's age"),
    Claim(
        "Monitoring",
        "Models are numerically stable",
        GATE,
        (by_gate("scores that are no number", faults.not_a_number, "FINITE"),),
    ),
    Claim(
        "Monitoring",
        "Computing performance has not regressed",
        GATE,
        (by_gate("a model that takes its time", faults.slow, "LATENCY"),),
    ),
    Claim("Monitoring", "Prediction quality on served data has not regressed", missing="needs labels after serving"),
)
