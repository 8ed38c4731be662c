"""A chart as SVG: its parts have CSS classes, by which the page colours them, and its data are also there as text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any

from .formatting import number

WIDTH, HEIGHT = 460, 320
LEFT, RIGHT, TOP, BOTTOM = 72, 24, 12, 48
TICKS = 5  # about
DESCRIBED = 5  # points of a line that its text names
LONG = 300  # days, above which the axis names months
Legend = tuple[tuple[str, str], ...]
"""Names, and the CSS classes of their colours."""


@dataclass(frozen=True)
class Figure:
    """A drawing, its title, how to read it, and the names of its colours if it has several."""

    title: str
    caption: str
    svg: str
    legend: Legend = ()


@dataclass(frozen=True)
class Axis:
    """What is measured along it, from where to where; days are their ordinals."""

    title: str
    low: float = 0.0
    high: float = 1.0
    percent: bool = False
    whole: bool = False
    days: bool = False

    def ticks(self) -> list[float]:
        """Round values within the axis."""
        width = (self.high - self.low) / TICKS
        width = max(width, 1.0) if self.whole else width
        power = 10.0 ** math.floor(math.log10(width))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= width * 0.999)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(place * step, 12) for place in range(first, last + 1)]

    def label(self, value: float) -> str:
        """The value as it stands beside the axis."""
        if self.days:
            day = date.fromordinal(round(value))
            return f"{day:%b %Y}" if self.high - self.low > LONG else f"{day.day} {day:%b}"
        return f"{100 * value:.3g}%" if self.percent else number(value)

    def fraction(self, value: float) -> float:
        """How far along the axis the value is."""
        return (value - self.low) / (self.high - self.low)


class Chart:
    """Marks between two axes, drawn in the order in which they are added."""

    def __init__(self, x: Axis, y: Axis) -> None:
        self.x, self.y = x, y
        self.marks: list[str] = []
        self.text: list[str] = []

    def line(self, x: Sequence[float], y: Sequence[float], kind: str = "line", *, points: bool = False) -> "Chart":
        """A line through points, described in the text alternative unless it is there for comparison."""
        self.marks.append(f'<polyline class="{kind}" points="{self._points(x, y)}"/>')
        if points:
            point = "point other" if "other" in kind else "point"
            self.marks += [self._circle(*place, 3, point) for place in zip(x, y, strict=True)]
        if kind.startswith("line"):
            places = sorted({round(i * (len(x) - 1) / (DESCRIBED - 1)) for i in range(DESCRIBED)})
            values = ", ".join(f"{self.y.label(y[i])} at {self.x.label(x[i])}" for i in places)
            self.text.append(f"{self.y.title} by {self.x.title}: {values}.")
        return self

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float], kind: str = "band") -> "Chart":
        """The area between two lines."""
        outline = self._points([*x, *reversed(x)], [*low, *reversed(high)])
        self.marks.append(f'<polygon class="{kind}" points="{outline}"/>')
        return self

    def steps(self, edges: Sequence[float], heights: Sequence[float], name: str, kind: str) -> "Chart":
        """A histogram: one height between each two edges."""
        x = [edge for edge in edges for _ in range(2)]
        y = [0.0, *(height for height in heights for _ in range(2)), 0.0]
        self.marks.append(f'<polygon class="steps {kind}" points="{self._points(x, y)}"/>')
        top = max(range(len(heights)), key=heights.__getitem__)
        between = f"{self.x.label(edges[top])} and {self.x.label(edges[top + 1])}"
        self.text.append(f"{name}: most rows, {self.y.label(heights[top])}, between {between}.")
        return self

    def dot(self, x: float, y: float, kind: str = "dot") -> "Chart":
        """A single point."""
        self.marks.append(self._circle(x, y, 6, kind))
        return self

    def vertical(self, x: float) -> "Chart":
        """A line from bottom to top."""
        place = min(max(x, self.x.low), self.x.high)
        return self.line([place, place], [self.y.low, self.y.high], "rule")

    def svg(self) -> str:
        """The drawing, with its text alternative."""
        middle_x, middle_y = LEFT + (WIDTH - LEFT - RIGHT) / 2, TOP + (HEIGHT - TOP - BOTTOM) / 2
        parts = [
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(" ".join(self.text))}">',
            *(self._tick_y(tick) for tick in self.y.ticks()),
            *(self._tick_x(tick) for tick in self.x.ticks()),
            *self.marks,
            f'<text class="middle" x="{middle_x:g}" y="{HEIGHT - 8}">{escape(self.x.title)}</text>',
            f'<text class="middle" transform="translate(14 {middle_y:g}) rotate(-90)">{escape(self.y.title)}</text></svg>',
        ]
        return "".join(parts)

    def _tick_y(self, value: float) -> str:
        y = self._y(value)
        line = f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        return f'{line}<text class="end" x="{LEFT - 8}" y="{y + 4.5:.1f}">{self.y.label(value)}</text>'

    def _tick_x(self, value: float) -> str:
        return f'<text class="middle" x="{self._x(value):.1f}" y="{HEIGHT - BOTTOM + 20}">{self.x.label(value)}</text>'

    def _circle(self, x: float, y: float, radius: int, kind: str = "point") -> str:
        return f'<circle class="{kind}" cx="{self._x(x):.1f}" cy="{self._y(y):.1f}" r="{radius}"/>'

    def _points(self, x: Sequence[float], y: Sequence[Any]) -> str:
        return " ".join(f"{self._x(a):.1f},{self._y(b):.1f}" for a, b in zip(x, y, strict=True))

    def _x(self, value: float) -> float:
        return LEFT + self.x.fraction(value) * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        return HEIGHT - BOTTOM - self.y.fraction(value) * (HEIGHT - TOP - BOTTOM)
