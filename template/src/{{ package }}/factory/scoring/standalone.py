"""Scores rows with onnxruntime and numpy alone; `factory export` writes it beside model.onnx."""

import json
import math
import os
import subprocess
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DATE_PARTS: dict[str, Any] = {
    **{part: attrgetter(part.lower()) for part in ("Year", "Month", "Day", "Hour", "Minute", "Second")},
    "Quarter": lambda day: (day.month + 2) // 3,
    "Week": lambda day: day.isocalendar().week,
    "WeekDay": lambda day: day.isoweekday(),
    "OrdinalDay": lambda day: day.timetuple().tm_yday,
}
"""Parts of dates and times: the name in polars' plans, and the same number in Python."""


class Scorer:
    """The model with its features, by default from the model.onnx beside this file.

    With a file of allowed signers, as Git has it, one of them must have signed it (model.onnx.sig); this needs ssh-keygen.
    """

    def __init__(self, path: Path | None = None, signers: Path | None = None) -> None:
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # otherwise onnxruntime sends telemetry
        import onnxruntime

        path = path or Path(__file__).with_name("model.onnx")
        graph = path.read_bytes()
        if signers is not None:
            _verify(graph, path.with_name(f"{path.name}.sig"), signers)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # more would add up the trees in another order
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.about = json.loads(self._session.get_modelmeta().custom_metadata_map["about"])

    def score(self, rows: list[dict[str, Any]]) -> NDArray[np.float64]:
        """The score of each row, shape (rows,); absent columns and None are missing values, times may be ISO 8601 text.

        Of several classes, the probability of each of `about["classes"]`: shape (rows, classes).
        Only the rules between columns are checked, not each column's limits. Raises ValueError
        naming the first row that breaks one, or whose category or features are not known.
        """
        raw = [[self._number(row.get(name), *encoding) for name, *encoding in self.about["leaves"]] for row in rows]
        score, valid = self._session.run(["score", "fine"], {"raw": np.array(raw, np.float64)})
        if not valid.all():
            raise ValueError(f"row {valid.all(axis=1).argmin()}: violates a rule, or its features cannot be computed")
        return score.astype(np.float64)  # type: ignore[no-any-return]

    @staticmethod
    def _number(value: Any, part: str, categories: list[str]) -> float:
        if value is None:
            return math.nan
        if categories:
            return float(categories.index(value))
        if not part:
            return float(value)
        return float(DATE_PARTS[part](datetime.fromisoformat(value) if isinstance(value, str) else value))


def _verify(content: bytes, signature: Path, signers: Path) -> None:
    """Raises ValueError unless one of the signers signed the content."""
    options = ("-s", str(signature), "-f", str(signers))
    found = subprocess.run(
        ("ssh-keygen", "-Y", "find-principals", *options), capture_output=True, text=True, check=False
    )
    for name in found.stdout.splitlines():
        command = ("ssh-keygen", "-Y", "verify", *options, "-I", name, "-n", "file")
        if subprocess.run(command, input=content, capture_output=True, check=False).returncode == 0:
            return
    raise ValueError(f"{signature.with_suffix('')} is not signed by any of those in {signers}")
