"""Graphs of ONNX, ready to run in onnxruntime."""

import os
from typing import Any


def import_onnxruntime() -> Any:
    """The module, which sends nothing to anybody."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


def load(graph: bytes) -> Any:
    """The graph's session."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # more would add up the trees in another order; batches run side by side instead
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
