"""The past week that the demo's pictures show."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from scripts.demo_home.past_week import ZONE, past_hours


@pytest.mark.parametrize(
    ("day", "count"),
    [("2027-03-30", 182), ("2026-10-28", 184), ("2026-11-30", 183)],
)
def test_a_week_in_which_clocks_change_has_each_hour_once(day: str, count: int) -> None:
    hours = past_hours(datetime.fromisoformat(f"{day}T15:20").replace(tzinfo=ZONE))
    assert {later - hour for hour, later in pairwise(hours)} == {timedelta(hours=1)}
    assert len(hours) == count
