import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.heating.outlook import Weather, clean_points, interpolate, setpoints


def test_only_believable_points_are_kept_and_in_order() -> None:
    points = [(20, 17), (10, 20.0), (5, math.nan), (1,), "x", None, (0, 99), ("a", 18)]
    assert clean_points(points, 0, 35) == [(10, 20), (20, 17)]
    assert clean_points(None, 0, 35) == []


@given(st.recursive(st.none() | st.floats() | st.text(), st.lists, max_leaves=20))
def test_no_forecast_raises(forecast: object) -> None:
    weather = Weather()
    weather.update(0.0, None, forecast)
    assert -60 <= weather.outdoor_at(0.0) <= 60
    assert weather.sun_at(0.0) >= 0


def test_a_setpoint_holds_from_its_moment_on() -> None:
    assert setpoints(17, [(100, 20), (200, 18)], [99, 100, 250]) == [17, 20, 18]


def test_between_two_points_the_value_moves_evenly() -> None:
    points = [(0.0, 0.0), (10.0, 5.0)]
    assert [interpolate(points, at) for at in (-1, 4, 11)] == [0, 2, 5]


@pytest.mark.parametrize(
    ("forecast", "then_c", "is_known"),
    [((), 5.0, False), (((7200.0, 2.0, 0.0), (18000.0, 5.0, 0.0)), 3.0, True)],
)
def test_a_temperature_outside_counts_for_three_hours_and_then_what_is_forecast_or_usual(
    forecast: tuple[tuple[float, float, float], ...], then_c: float, is_known: bool
) -> None:
    weather = Weather()
    weather.update(0.0, 26.0, ())
    for time_s, outdoor_c, known in ((10800.0, 26.0, True), (10860.0, then_c, is_known)):
        weather.update(time_s, None, forecast)
        assert weather.outdoor_c == pytest.approx(outdoor_c, abs=0.05)
        assert weather.is_known == known
    assert weather.outdoor_at(1e6) == 5.0
    weather.update(11000.0, -8.0, ())
    assert (weather.outdoor_at(1e6), weather.is_known) == (-8.0, True)


@pytest.mark.parametrize("beyond_k", [-4.0, 0.0, 3.0])
def test_a_forecast_begins_at_the_temperature_that_is_told_now(beyond_k: float) -> None:
    forecast = ((0.0, 2.0, 0.0), (86_400.0, 2.0, 0.0))
    weather = Weather()
    for time_s in (0.0, 60.0):
        weather.update(time_s, 2.0 + beyond_k, forecast)
    beyond = [weather.outdoor_at(60.0 + 3600.0 * ahead) - 2.0 for ahead in (0, 3, 12)]
    assert beyond == pytest.approx([beyond_k, 0.37 * beyond_k, 0.02 * beyond_k], abs=0.02)


def test_a_temperature_outside_that_was_told_is_lost_for_six_weeks_over_restarts_too() -> None:
    weather = Weather()
    weather.update(0.0, -8.0, ())
    for days, lost in ((0, False), (1, True), (41, True), (43, False)):
        again = Weather()
        again.restore(weather.save())
        again.update(days * 86_400.0, None, ())
        assert again.is_lost == lost
        assert again.outdoor_c == (5.0 if days else -8.0)
