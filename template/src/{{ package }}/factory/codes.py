"""The reason codes of refusals, alerts and failures: what each means, and what to do, from codes.yaml."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("codes.yaml")
FAILED = "_FAILED"  # behind the name of a step


@dataclass(frozen=True)
class Reason:
    """A code, where it is met, what it means, and what to do."""

    code: str
    area: str
    meaning: str
    remedy: str


@cache
def known() -> dict[str, Reason]:
    """Every reason, by its code."""
    areas = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {
        code: Reason(code, area, *texts.splitlines()) for area, codes in areas.items() for code, texts in codes.items()
    }


def find(code: str) -> Reason | None:
    """The reason of that code, in whatever case; None if there is no such code."""
    name = code.strip().upper()
    return known().get(f"STEP{FAILED}" if name.endswith(FAILED) else name)
