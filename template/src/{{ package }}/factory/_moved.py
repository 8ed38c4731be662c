"""Names of releases before 0.3.0, which users' modules, tests and notebooks may use; to be deleted with release 0.5.0.

`MODULES` says what became of the modules, and `NAMES` of what was in them.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any
from warnings import warn

FACTORY = __name__.rpartition(".")[0]

MODULES = {
    "adopt.adopt": "adopt.project adopt.adoption",
    "adopt.contract_code": "adopt.declare adopt.rules",
    "adopt.dates": "adopt.times",
    "adopt.defaults": "adopt.first adopt.capacity",
    "adopt.render": "adopt.examples adopt.context adopt.sources",
    "adopt.review": "adopt.advice adopt.show",
    "adopt.roles": "adopt.leaks adopt.parts",
    "adopt.setup": "setup",
    "adopt.source": "adopt.readable adopt.given",
    "adopt.target": "adopt.question",
    "adopt.transaction": "swap adopt.loss",
    "adopt.type_inference": "adopt.spelling adopt.guess",
    "ci.affected": "affected",
    "ci.propose": "propose",
    "ci.summary": "mermaid summary",
    "cli.ci": "pipelines",
    "cli.data": "intake",
    "cli.model": "commands",
    "cli.release": "deploy",
    "data.contract_diff.changes": "diff.differing",
    "data.contract_diff.diff": "diff.uses diff.differs",
    "data.contract_diff.patch": "diff.source diff.amend",
    "data.contract_diff.similarity": "diff.likeness",
    "data.ingest": "ingest inbox",
    "data.ledger": "ledger",
    "data.prepare": "prepare",
    "data.split": "sides",
    "deployment.deploy": "rollout release.deploy",
    "deployment.smoke_test": "smoke release.smoke_test",
    "errors": "failure",
    "evaluation.assessment": "assessment",
    "evaluation.charts": "drawing charts",
    "evaluation.column_profile": "columns",
    "evaluation.confusion": "confused",
    "evaluation.evaluate": "evaluate",
    "evaluation.formatting": "wording",
    "evaluation.model_card": "card",
    "evaluation.report": "report",
    "evaluation.run_record": "record tracking",
    "gate.checks": "evidence",
    "gate.compare": "rival compare",
    "gate.promote": "approval promote",
    "manifest": "digest",
    "metrics.curves": "curves",
    "metrics.definitions": "multiclass binary",
    "metrics.fairness": "fairness",
    "metrics.threshold": "decisions",
    "platforms.azure": "forge.azure",
    "platforms.base": "forge.forge",
    "platforms.github": "forge.github",
    "platforms.gitlab": "forge.gitlab",
    "platforms.rest": "forge.api",
    "readiness.faults": "sabotage defects",
    "readiness.ml_test_score": "claims",
    "readiness.sandbox": "scratch",
    "registry.audit": "audit",
    "registry.champion": "champion",
    "registry.lineage": "trace",
    "registry.versions": "versions",
    "release.image": "build",
    "release.inventory": "inventory",
    "release.provenance": "provenance",
    "release.publish": "publish",
    "release.sbom": "sbom",
    "release.serve": "serve",
    "scoring.artifact": "stamp artifact",
    "scoring.batch": "batch",
    "scoring.feature_graph": "single",
    "scoring.predictions": "outcome",
    "scoring.standalone": "loader",
    "serving.app": "service.application",
    "serving.arrow": "service.arrow",
    "serving.auth": "service.callers",
    "serving.metrics": "service.telemetry",
    "serving.middleware": "service.gate service.guard",
    "serving.model_slot": "service.slots",
    "serving.open_inference": "service.inference",
    "serving.openapi": "service.document",
    "serving.parsing": "service.strict service.rows",
    "serving.request_log": "service.captured service.capture",
    "serving.routes": "service.scores",
    "serving.server": "service.connection service.server",
    "serving.service": "service.service",
    "serving.settings": "service.settings",
    "serving.tensors": "service.protocol service.tensors",
    "tables.chunks": "slices",
    "tables.compressed": "readers.unpack",
    "tables.csv": "readers.delimited",
    "tables.excel": "readers.spreadsheet",
    "tables.jsonlines": "readers.jsonlines",
    "training.leakage": "disguise",
    "training.onnx.bundle": "edge",
    "training.onnx.estimators": "boosting export",
    "training.onnx.features": "translate",
    "training.onnx.operators": "graph operations",
    "training.train": "train",
    "training.tune": "tune",
    "update.update": "ci.template_update",
    "validation.bounds": "limits",
    "validation.parsing": "spellings casts",
    "validation.rules": "contracts",
    "workspace.git": "git origin",
    "workspace.process": "shell",
    "workspace.repro": "repro",
    "workspace.stage": "stage cost",
}
"""By module below the factory, the older ones that are in it."""

PACKAGES = ("diff", "forge", "readers", "service")
"""Older packages: their modules are found by `MODULES`."""


def _all(place: str, names: str) -> dict[str, str]:
    return {name: f"{place}.{name}" for name in names.split()}


NAMES: dict[str, dict[str, str]] = {
    # packages that were modules
    "gate": _all(
        "gate.checks",
        "CHECKS Check Evidence floor better_than_baseline not_worse_than_champion business_value slices calibration "
        "footprint contract_unchanged",
    )
    | {"fair": "gate.checks.group_fairness", "judge": "gate.checks.run_checks"},
    "metrics": _all(
        "metrics.definitions", "METRICS HIGHER_IS_BETTER Metric Vector calibration_error direction target_of"
    )
    | _all("metrics.bootstrap", "RESAMPLES Estimate difference estimates")
    | {
        "Difference": "metrics.bootstrap.Interval",
        "RESAMPLED": "metrics.bootstrap.MAX_RESAMPLE_ROWS",
        "best_threshold": "metrics.threshold.best_threshold",
        "confusion": "metrics.threshold.confusion_counts",
        "one_score": "metrics.definitions.top_class",
        "worth": "metrics.threshold.decision_values",
    },
    "scoring": _all("scoring.scorer", "describe matrix") | {"inputs": "scoring.scorer.feature_matrix"},
    # modules that have renamed something, or lost it to another
    "adopt.render": {"Outcome": "adopt.defaults.BaselineResult", "PLACES": "adopt.transaction.PLACES"},
    "adopt.roles": {"numbers": "adopt.profile.numbers"},
    "data.ledger": {"RAW": "paths.RAW"},
    "data.prepare": {
        "PREPARED": "paths.PREPARED",
        "refuse_future": "check_not_future",
        "split": "data.split.split",
        "spool": "load_validated",
    },
    "data.split": {"test_side": "is_test_row"},
    "errors": {
        "Breach": "Violation",
        "Undecided": "CannotEvaluate",
        "forget": "clear_failure",
        "last": "last_failure",
        "note": "record_failure",
    },
    "evaluation.assessment": {"main_metric": "metrics.definitions.main_metric"},
    "evaluation.evaluate": {"REPORTS": "paths.REPORTS", "dump": "manifest.dump"},
    "evaluation.model_card": {"SAID": "INPUT", "Said": "ModelCardInput", "of": "build_card", "page": "render"}
    | _all("evaluation.card_input", "Approval load"),
    "evaluation.run_record": {"SETTINGS": "MLFLOW_DEFAULTS", "of": "build_record"},
    "gate.checks": {"Decided": "metrics.fairness.Predictions"},
    "gate.compare": {
        "Verdict": "GateResult",
        "forget": "delete_reports",
        "model_id": "manifest.model_id",
        "of": "reference_model",
        "write": "write_reports",
    },
    "gate.promote": {"ready": "check_ready"},
    "manifest": {
        "of_bytes": "sha256",
        "of_file": "file_sha256",
        "seal": "write_manifest",
        "unseal": "read_manifest",
    },
    "metrics.definitions": {
        "confusion": "confusion_matrix",
        "frequencies": "class_frequencies",
        "one_score": "top_class",
        "ranked": "roc_auc_by_ranks",
    },
    "metrics.threshold": {"confusion": "confusion_counts", "worth": "decision_values"},
    "platforms.base": {"here": "platforms.detect", "signed_in": "platforms.git_env"},
    "registry.champion": {"WORKTREES": "paths.WORKTREES", "load": "check_loads"},
    "registry.versions": {"current": "fetch", "known": "local", "model_in": "model_md5"},
    "scoring.artifact": _all("training.onnx.estimators", "disagreement save")
    | {
        "MODEL": "paths.MODEL",
        "NAME": "VERSION_FILE",
        "TOLERANCE": "training.onnx.parity.TOLERANCE",
        "read": "read_version",
        "session": "scoring.onnx_sessions.load",
        "write": "write_version",
    },
    "scoring.predictions": {"columns": "to_columns", "records": "to_records", "said": "from_frame"},
    "serving.routes": {"JSON_MB": "serving.settings.JSON_MB"},
    "tables.chunks": {
        "SLICE": "CHUNK",
        "Some": "Frame",
        "collected": "collect",
        "sliced": "chunked",
        "slices": "iter_chunks",
    },
    "training.leakage": {
        "DISGUISE": "LEAKAGE_THRESHOLD",
        "refuse_disguised_target": "check_leakage",
        "tells": "predictive_power",
    },
    "training.train": {"refuse_disguised_target": "training.leakage.check_leakage", "refuse_text": "check_numeric"},
    "validation.parsing": {
        "FORMATS": "validation.times.ISO",
        "TIME_FORMATS": "validation.times.ISO",
        "attempt": "try_cast",
        "typed": "cast",
    },
    "validation.rules": {
        "breach": "violation",
        "broken_rules": "violated_rules",
        "conform": "validate",
        "keeps_limits": "within_bounds",
        "limits": "bound_rules",
        "only_row": "single_row",
    },
    "workspace.git": {"head": "remote_head", "name": "remote_name", "tag": "tag_object"},
    "workspace.stage": {
        "LOCKS": "paths.DVC_TMP",
        "TRAINING": "paths.TRAINING",
        "die_with": "exit_with_parent",
        "meter": "measure",
    },
}
"""By module and name, the name that it has now: in the same module, or with its module below the factory."""

_PLACES = {f"{FACTORY}.{old}": f"{FACTORY}.{new}" for new, names in MODULES.items() for old in names.split()}
_OLD_PACKAGES = {f"{FACTORY}.{name}" for name in PACKAGES}


class OldModules:
    """Finds the modules of today by their old names: themselves, so that what a test patches there is patched."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        old = name in _PLACES or name in _OLD_PACKAGES
        return ModuleSpec(name, self, is_package=True) if old else None  # type: ignore[arg-type]  # its base is slow to import

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        old = module.__name__
        if new := _PLACES.get(old):
            warn(f"{old} is now {new}", DeprecationWarning, stacklevel=2)
            sys.modules[old] = import_module(new)
            vars(sys.modules[old]).setdefault("__getattr__", old_names(new))


def old_names(module: str, stacklevel: int = 2) -> Callable[[str], Any]:
    """The module's `__getattr__`, by which it has its old names."""

    def find(name: str) -> Any:
        place = NAMES.get(module.removeprefix(f"{FACTORY}."), {}).get(name)
        if place is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        owner, _, new = f"{FACTORY}.{place}".rpartition(".") if "." in place else (module, ".", place)
        warn(f"{module}.{name} is now {owner}.{new}", DeprecationWarning, stacklevel=stacklevel)
        return getattr(import_module(owner), new)

    return find
