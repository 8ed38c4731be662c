"""What of a series is forecast, as params.yaml states it and a model's manifest holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

SEASONS, MIN_WINDOW = 3, 24  # that a window holds, or as many horizons if they are longer; in steps


@dataclass(frozen=True)
class Settings:
    """The columns of observations that play a role, and the numbers of steps of a forecast."""

    groups: list[str]
    time: str
    target: str
    every: str
    horizon: int
    season: int
    gap: int
    window: int

    @classmethod
    def of(cls, forecast: Any, target: str) -> Self:
        """The settings of the section `forecast` of params.yaml."""
        reach = max(forecast.season, forecast.gap + forecast.horizon)
        window = forecast.window or max(SEASONS * reach, MIN_WINDOW)
        numbers = {name: getattr(forecast, name) for name in ("time", "every", "horizon", "season", "gap")}
        return cls(groups=forecast.groups, target=target, window=window, **numbers)

    @classmethod
    def of_model(cls, manifest: Mapping[str, Any]) -> Self | None:
        """Those of a model; None of a model that forecasts nothing."""
        return cls(**manifest["forecast"]) if manifest.get("forecast") else None

    @property
    def keys(self) -> list[str]:
        """The columns that name an observation."""
        return [*self.groups, self.time]
