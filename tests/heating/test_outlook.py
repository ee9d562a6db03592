import math

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
    weather.update(None, forecast)
    assert -60 <= weather.outdoor_at(0.0) <= 60
    assert weather.sun_at(0.0) >= 0


def test_a_setpoint_holds_from_its_moment_on() -> None:
    assert setpoints(17, [(100, 20), (200, 18)], [99, 100, 250]) == [17, 20, 18]


def test_between_two_points_the_value_moves_evenly() -> None:
    points = [(0.0, 0.0), (10.0, 5.0)]
    assert [interpolate(points, at) for at in (-1, 4, 11)] == [0, 2, 5]


def test_without_a_forecast_the_last_outdoor_temperature_holds() -> None:
    weather = Weather()
    weather.update(-3.0, ())
    weather.update(None, ())
    assert weather.outdoor_at(1e6) == -3
