"""Curves as Mermaid charts, which the comments of GitHub and GitLab draw."""

import numpy as np
import polars as pl

STEPS = 21
COLORS = "#0969da", "#8c959f"  # seen on white and on black


def chart(name: str, curves: list[pl.DataFrame]) -> str:
    """One or two curves in a chart, the first in blue on top of the second in grey; columns x, which must rise, and y."""
    label_x, label_y = (column.replace("_", " ") for column in curves[0].columns[:2])
    found = [curve.to_numpy() for curve in curves]
    low, high = min(curve[0, 0] for curve in found), max(curve[-1, 0] for curve in found)
    places = np.linspace(low, high, STEPS)
    lines = [np.interp(places, curve[:, 0], curve[:, 1]) for curve in found]
    palette = ", ".join(COLORS[: len(lines)][::-1])
    return "\n".join(
        [
            "```mermaid",
            f'%%{{init: {{"themeVariables": {{"xyChart": {{"plotColorPalette": "{palette}"}}}}}}}}%%',
            "xychart-beta",
            f'  title "{name.replace("_", " ")}"',
            f'  x-axis "{label_x}" {low:.4g} --> {high:.4g}',
            f'  y-axis "{label_y}" {min(line.min() for line in lines):.4g} --> {max(line.max() for line in lines):.4g}',
            *(f"  line [{', '.join(f'{value:.4g}' for value in line)}]" for line in lines[::-1]),
            "```",
        ]
    )
