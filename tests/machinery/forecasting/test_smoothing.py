"""Forecasts by exponential smoothing: what continues is continued, whatever its size, and one series as among thousands."""

import numpy as np
import pytest
from late_flights.factory.forecasting import smoothing

AHEAD = np.arange(1, 15)
TIME = np.arange(70.0)


def forecast(values, season=7, ahead=AHEAD):
    return smoothing.forecasts(np.atleast_2d(np.asarray(values, float)), season, ahead)


def series(time, kind):
    week = np.array([1.0, 1.2, 0.8, 1.5, 0.5, 1.1, 0.9])[np.asarray(time, int) % 7]
    level = {"constant": 12.0 + 0 * time, "rising": 50 + 2 * time, "falling below zero": 30 - time}[kind]
    return level * week if kind == "rising" else level + 5 * week


@pytest.mark.parametrize("kind", ["constant", "rising", "falling below zero"])
def test_what_continues_is_continued(kind):
    expected = series(70 + AHEAD - 1, kind)
    found = forecast(series(TIME, kind))
    assert [*found] == ["smooth", "smooth_level", "smooth_trend"]
    size = np.ptp(series(TIME, kind))
    allowed = {"constant": 1e-9, "rising": 0.06, "falling below zero": 0.06}[kind]
    np.testing.assert_allclose(found["smooth_trend"][0], expected, atol=allowed * size)


def test_a_gap_before_the_horizon_continues_the_same_season():
    values = series(TIME, "constant")
    np.testing.assert_allclose(forecast(values, ahead=AHEAD + 3)["smooth"][0], series(73 + AHEAD - 1, "constant"))


@pytest.mark.parametrize("kind", ["rising", "falling below zero"])
def test_size_makes_no_difference(kind):
    values = series(TIME, kind) + np.random.default_rng(0).normal(size=70)
    for name, found in forecast(values * 1e6).items():
        np.testing.assert_allclose(found, forecast(values)[name] * 1e6, rtol=1e-9)


@pytest.mark.parametrize("season", [1, 7, 52])
def test_one_series_has_the_same_bytes_as_among_others(season):
    random = np.random.default_rng(0)
    windows = random.lognormal(size=(300, 70)) - random.integers(0, 2, (300, 1))
    windows[random.random(windows.shape) < 0.2] = np.nan
    windows[:20, :60] = np.nan
    windows[20:25] = np.nan
    together = smoothing.forecasts(windows, season, AHEAD)
    for place in range(0, 300, 7):
        for name, found in smoothing.forecasts(windows[place : place + 1], season, AHEAD).items():
            assert np.array_equal(found[0], together[name][place], equal_nan=True)
    for found in together.values():
        assert np.isnan(found).any(axis=1).tolist() == np.isnan(windows).all(axis=1).tolist()


def test_short_series_zeros_and_seasons_that_are_not_there():
    assert np.unique(forecast([np.nan] * 69 + [4.0])["smooth"]).tolist() == [4]
    assert not forecast(np.zeros(70))["smooth"].any()
    assert not np.isnan(forecast([3.0, 5.0, np.nan], season=24)["smooth"]).any()
    assert np.isfinite(forecast(np.where(TIME % 9 == 0, 1.0, 0.0))["smooth"]).all()
    noise = 100 + np.random.default_rng(0).normal(size=70)
    np.testing.assert_allclose(forecast(noise)["smooth"], 100, atol=2)
