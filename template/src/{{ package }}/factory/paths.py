"""The files and folders of a project, relative to its root."""

from pathlib import Path

RAW = Path("data/raw")
PREPARED = Path("data/prepared")
MODEL = Path("model")
REPORTS = Path("reports")
TRAINING = REPORTS / "training.json"
VALIDATION = REPORTS / "validation.json"
CANDIDATES = REPORTS / "candidates.csv"
DICTIONARY = Path("docs/data-dictionary.md")
DVC_TMP = Path(".dvc/tmp")  # locks, and what DVC and Git ignore
ADOPTION = DVC_TMP / "adopt"  # what an unfinished adoption has moved aside
WORKTREES = DVC_TMP / "champions"
VERIFICATION = DVC_TMP / "verification"
