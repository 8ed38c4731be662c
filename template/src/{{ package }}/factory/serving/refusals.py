"""How many rows the contract refused, by model, role and column: counted beside captured requests, without any value."""

import json
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from .. import tables

SUFFIX = ".refused.json"
OTHERS = "others"  # in place of what is no column of the contract, as clients can name anything


class Refusals:
    """What was refused since it was last written."""

    def __init__(self) -> None:
        self._lock, self._counts = threading.Lock(), dict[tuple[str, str], Counter[str]]()

    def add(self, model: str, role: str, columns: Mapping[str, int]) -> None:
        """Count the rows, by column."""
        with self._lock:
            counts = self._counts.setdefault((model, role), Counter())
            counts.update({name or OTHERS: number for name, number in columns.items()})

    def __bool__(self) -> bool:
        return bool(self._counts)

    def write(self, path: Path) -> None:
        """Write what was counted, and begin anew. Raises OSError, and then keeps it."""
        with self._lock:
            counts, self._counts = self._counts, {}
        found = [{"model": model, "role": role, "columns": columns} for (model, role), columns in counts.items()]
        try:
            with tables.private(path) as file:
                file.write_text(json.dumps(found), encoding="utf-8")
        except OSError:
            for (model, role), columns in counts.items():
                self.add(model, role, columns)
            raise
