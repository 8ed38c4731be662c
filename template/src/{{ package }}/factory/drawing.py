"""Layers of a drawing as SVG, free of the user's text and coloured by the page's own CSS variables."""

import re
from typing import Any

import numpy as np
import polars as pl
import vl_convert

from .metrics import Vector

BINS = 40
MUTED = {"labelColor": "var(--muted)", "titleColor": "var(--muted)", "titleFontWeight": "normal", "titlePadding": 8}
STYLE = {
    "aria": False,
    "background": None,
    "font": "system-ui",
    "view": {"stroke": None},
    "axis": {"domain": False, "ticks": False, "gridColor": "var(--grid)", "labelPadding": 6, "tickCount": 5} | MUTED,
    "axisX": {"labelFlush": False, "labelFontSize": 13, "titleFontSize": 13},
    "axisY": {"minExtent": 38, "labelFontSize": 13, "titleFontSize": 13},
    "legend": {"orient": "top", "title": None, "labelColor": "var(--ink)", "labelFontSize": 13, "symbolSize": 120},
}
Spec = dict[str, Any]
PLAIN: Spec = {"type": "quantitative"}
CORE: Spec = PLAIN | {"scale": {"zero": False, "nice": False}, "axis": {"grid": False}}
SHARE: Spec = PLAIN | {"axis": {"format": "~%"}, "stack": None, "title": "share of rows"}
UNIT: Spec = SHARE | {"scale": {"domain": [0, 1]}}


def svg(layers: list[Spec], x: Spec, y: Spec) -> str:
    """The layers as one drawing, without its own colours, classes and sizes."""
    spec = {"layer": layers, "encoding": {"x": x, "y": y}, "width": 400, "height": 260, "config": STYLE}
    drawn = re.sub(r' (?:class|role|aria-[a-z]+|pointer-events|xmlns\S*)="[^"]*"', "", vl_convert.vegalite_to_svg(spec))
    drawn = re.sub(r"(\d\.\d\d)\d+(?=[^<>]*>)", r"\1", drawn)
    return re.sub(r'<svg .*?(viewBox="[^"]*")[^>]*', r'<svg \1 aria-hidden="true"', drawn, count=1)


def layer(frame: pl.DataFrame, mark: Spec, x: str = "x", y: str = "y", **encoding: Spec) -> Spec:
    """One mark for each row of the frame, or one through all."""
    encoding |= {"x": {"field": x}, "y": {"field": y}}
    return {"data": {"values": frame.to_dicts()}, "mark": mark, "encoding": encoding}


def histograms(values: dict[str, Vector], ends: tuple[float, float]) -> Spec:
    """The share of the values at each place between the ends; what lies beyond is pooled there."""
    edges = np.linspace(*ends, BINS + 1)
    shares = {key: np.histogram(np.clip(v, *ends), edges)[0] / max(len(v), 1) for key, v in values.items()}
    frames = [pl.DataFrame({"x": edges, "y": [*share, share[-1]], "of": key}) for key, share in shares.items()]
    colours = ["var(--other)", "var(--model)"][-len(values) :]
    legend = {"field": "of", "scale": {"domain": list(values), "range": colours}}
    mark = {"type": "area", "interpolate": "step-after", "fillOpacity": 0.25, "line": {"strokeWidth": 1.5}}
    return layer(pl.concat(frames), mark, color=legend if len(values) > 1 else {"value": colours[0]})


def line(frame: pl.DataFrame, x: str, y: str, *, point: bool = False) -> Spec:
    """A line through the frame's rows."""
    mark = {"type": "line", "color": "var(--model)", "strokeWidth": 2}
    return layer(frame, mark | ({"point": {"size": 45, "color": "var(--model)"}} if point else {}), x, y)


def band(tenths: pl.DataFrame) -> Spec:
    """The area between `low` and `high`."""
    mark = {"type": "area", "color": "var(--model)", "opacity": 0.2}
    return layer(tenths, mark, "predicted", "low", y2={"field": "high"})


def guide(*points: tuple[float, float]) -> Spec:
    """A faint line to compare with."""
    mark = {"type": "line", "color": "var(--muted)", "strokeDash": [4, 4], "strokeWidth": 1}
    return layer(pl.DataFrame(points, schema={"x": pl.Float64, "y": pl.Float64}, orient="row"), mark)


def upright(x: float) -> Spec:
    """A line from bottom to top."""
    rule = {"type": "rule", "color": "var(--ink)", "strokeWidth": 1.5}
    return {"data": {"values": [{"x": x}]}, "mark": rule, "encoding": {"x": {"field": "x"}, "y": None}}


def dot(x: float, y: float) -> Spec:
    """A single point."""
    mark = {"type": "circle", "size": 110, "opacity": 1, "color": "var(--ink)"}
    return layer(pl.DataFrame({"x": [x], "y": [y]}), mark)


def core(values: Vector) -> tuple[float, float]:
    """Between which values all but the outermost 1 % lie."""
    low, high = np.quantile(values, [0.005, 0.995]).tolist()
    return (low, high) if low < high else (low - 0.5, high + 0.5)
