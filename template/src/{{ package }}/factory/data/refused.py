"""What the contract has refused of deliveries here, noted for monitoring in .dvc/tmp/."""

import json
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import tables
from ..errors import CannotEvaluate, ContractViolation, FactoryError
from ..paths import DVC_TMP
from . import ledger

FILE = DVC_TMP / "refused.jsonl"
MOST = 1000  # files


@dataclass(frozen=True)
class Refused:
    """A file that was refused, when (UTC), its rows, and how many of them by column or rule."""

    file: str
    at: str
    rows: int
    by: dict[str, int]

    @property
    def on(self) -> str:
        """The day."""
        return self.at[:10]


def note(file: Path, error: ContractViolation) -> None:
    """Note the file: once a day, however often it is tried; what goes wrong here must not hide the refusal."""
    with suppress(OSError, FactoryError):
        _note(file, error)


def _note(file: Path, error: ContractViolation) -> None:
    height, by = tables.count(file), Counter[str]()
    for violation in error.violations or getattr(error.__cause__, "violations", ()):
        by[violation.subject] += violation.count or height  # a column that is missing is so in all rows
    new = Refused(file.name, ledger.now(), height, dict(by))
    lines = [json.dumps(asdict(each)) for each in (*(e for e in read() if (e.file, e.on) != (new.file, new.on)), new)]
    with tables.whole(FILE) as noted:
        noted.write_text("\n".join(lines[-MOST:]), encoding="utf-8")


def read() -> list[Refused]:
    """What was noted. Raises CannotEvaluate where that is damaged."""
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    try:
        return [Refused(**json.loads(line)) for line in lines]
    except (ValueError, TypeError) as error:
        raise CannotEvaluate("DAMAGED", f"{FILE}: delete it, which forgets what was refused") from error
