"""What an update changes in a project of a release before 0.3.0, beside Copier's part; to be deleted with release 0.5.0."""

import re
from pathlib import Path

from .._moved import MODULES
from ..paths import RAW, VALIDATION

DVC_YAML = Path("dvc.yaml")
LEDGER = Path("data/ledger.csv")
"""Where releases before 0.4.0 kept the records of deliveries."""
SHIM = (
    "# Nothing is here: dvc.yaml names this file, which has moved. `uv run factory setup` has it name the folders, "
    "and deletes this file."
)
"""What is in the files that an update by Copier alone leaves where an older dvc.yaml names one."""

STAGES = {
    "prepare": "config.py data forecasting manifest.py tables validation",
    "train": "config.py data forecasting manifest.py metrics scoring tables training validation",
    "evaluate": "config.py data evaluation forecasting manifest.py metrics scoring tables validation",
}
"""By stage, the parts of factory/ that a fresh project's dvc.yaml names."""

MOVED = {
    f"{old.replace('.', '/')}.py": f"{new.replace('.', '/')}.py"
    for new, names in MODULES.items()
    for old in names.split()
} | {
    "badge.svg": "readiness/badge.svg",
    "binning.py": "training",
    "card.md": "evaluation/model_card.md",
    "cli.py": "cli/main.py",
    "gate.py": "gate/checks.py",
    "metrics.py": "metrics/definitions.py",
    "readers": "tables",
    "readiness.py": "readiness/score.py",
    "report.html": "evaluation/report.html",
    "scoring.py": "scoring/scorer.py",
    "tables.py": "tables/__init__.py",
}
"""By older file below factory/, the one that now holds its content."""


def migrate() -> list[str]:
    """Bring dvc.yaml in the current folder up to date and delete the files that it no longer needs; the changes made."""
    factory = _factory()
    if not factory or not DVC_YAML.exists():
        return []
    before = DVC_YAML.read_bytes().decode()
    folders = with_folders(before)
    validation = with_validation(folders)
    forecasting = with_forecasting(validation)
    after = without_ledger(forecasting)
    if after != before:
        DVC_YAML.write_bytes(after.encode())
    for old in MOVED.keys() - _named(after):
        shim = factory / old / "__init__.py" if old == "readers" else factory / old
        if shim.is_file() and shim.read_text(encoding="utf-8").startswith(SHIM):
            shim.unlink()
    return [
        *([f"{DVC_YAML}: the stages now name the folders of factory/"] if folders != before else []),
        *([f"{DVC_YAML}: {VALIDATION} is now a metric of the stage train"] if validation != folders else []),
        *([f"{DVC_YAML}: the stages depend on factory/forecasting"] if forecasting != validation else []),
        *([f"{DVC_YAML}: the stage prepare no longer depends on {LEDGER}"] if after != forecasting else []),
    ]


def remaining() -> list[str]:
    """What the user still has to change."""
    if not _factory() or not DVC_YAML.exists():
        return []
    named = _named(DVC_YAML.read_bytes().decode())
    lines = [f"{DVC_YAML}: replace factory/{old} by factory/{MOVED[old]}, its new place" for old in sorted(named)]
    if names_ledger():
        lines.append(f"{DVC_YAML}: replace {LEDGER} by {RAW}, which now has the records of deliveries")
    return lines


def names_ledger() -> bool:
    """Whether dvc.yaml needs an older ledger."""
    return DVC_YAML.exists() and str(LEDGER) in DVC_YAML.read_bytes().decode()


def new_place(path: str) -> str | None:
    """The file that now holds the content of an older file of factory/, if it has moved."""
    folder, _, old = path.partition("/factory/")
    place = f"{folder}/factory/{MOVED.get(old)}"
    return place if Path(place).exists() else None


def with_folders(text: str) -> str:
    """dvc.yaml's text with folders where a release wrote files; the rest byte for byte."""
    for stage, places in STAGES.items():

        def change(block: re.Match[str], places: str = places) -> str:
            return _with_folders(block[0].splitlines(keepends=True), places.split())

        text = re.sub(rf"^  {stage}:\s.*?(?=^ {{0,2}}\S|\Z)", change, text, count=1, flags=re.MULTILINE | re.DOTALL)
    return text


def with_validation(text: str) -> str:
    """dvc.yaml's text with the validation figures among the metrics of `train`, if its outputs are a release's."""
    outputs = r"(?=    outs:(\r?\n)      - model\r?\n      - reports/training\.json\r?\n)"
    metrics = f"    metrics:\n      - {VALIDATION}:\n          cache: false\n"
    if str(VALIDATION) in text or re.search(r"^  train:\s(    .*\s)*?    metrics:", text, flags=re.MULTILINE):
        return text
    return re.sub(outputs, lambda match: metrics.replace("\n", match[1]), text, count=1)


def with_forecasting(text: str) -> str:
    """dvc.yaml's text with the package of forecasts before manifest.py, where stages name folders as a release did."""
    line = r"      - \$\{package\}/factory/"
    place = rf"(/factory/data(\r?\n)(?:{line}evaluation\r?\n)?)({line})manifest\.py"
    return re.sub(place, r"\1\3forecasting\2\3manifest.py", text)


def without_ledger(text: str) -> str:
    """dvc.yaml's text without the older ledger, which a release wrote before data/raw among the dependencies."""
    return re.sub(rf"^      - {LEDGER}\r?\n(?=      - {RAW}\r?\n)", "", text, flags=re.MULTILINE)


def _with_folders(lines: list[str], places: list[str]) -> str:
    """A stage's lines, with these places in the position of the first older file."""
    released = [line for line in lines if re.fullmatch(r"      - \$\{package\}/factory/\S+\s+", line) and _named(line)]
    if not released:
        return "".join(lines)
    first, [old] = released[0], _named(released[0])
    new = [first.replace(f"/{old}", f"/{place}") for place in places]
    kept = [line for line in lines if line not in released or line is first]
    at = kept.index(first)
    return "".join([*kept[:at], *(line for line in new if line not in kept), *kept[at + 1 :]])


def _named(text: str) -> set[str]:
    """The older files of factory/ that the text names."""
    return MOVED.keys() & set(re.findall(r"/factory/([\w./-]+)", text))


def _factory() -> Path | None:
    """The project's factory/, if it has this layout: an update may have been to an older release."""
    return next((file.parent for file in Path().glob("src/*/factory/_moved.py")), None)
