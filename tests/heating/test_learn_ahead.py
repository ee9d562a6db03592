"""What is learned in a room that is not built like our model of rooms: ISO 13790's."""

import random
from typing import cast

import pytest

from custom_components.qheat.heating.history import RECORDS_A_DAY, History
from custom_components.qheat.heating.learn import Snapshot, foresight_k, refit
from custom_components.qheat.heating.model import RoomModel, lagged
from tests.benchmarks.rooms.iso13790 import IsoRoom
from tests.benchmarks.rooms.trial import RoomInputs, Trial
from tests.benchmarks.rooms.weather import synthetic

USUAL = RoomModel.usual(500)


class HeatedByTheClock:
    """Plays the part of a trial: heats by the clock, and remembers as the thermostat does."""

    def __init__(self, seed: int) -> None:
        self.weather = synthetic(seed)
        self.history = History({})
        self._chance = random.Random(seed)
        self._emitted_w = 0.0
        self._sensor_c = 18.0

    def minute(self, minute: int, air_c: float) -> RoomInputs:
        """Let a minute pass."""
        wanted_c = 20.0 if 4 <= minute / 60 % 24 < 22.5 else 17.0
        power_w = min(max(2000 * (wanted_c - air_c), 0.0), 500.0)
        self._emitted_w, heat_w = lagged(self._emitted_w, power_w, 60.0)
        self._sensor_c += 0.18 * (air_c - self._sensor_c)
        self.history.measured(round(self._sensor_c + self._chance.gauss(0, 0.04), 1))
        sun_w_m2 = self.weather.horizontal_w_m2(minute // 60)
        inputs = [heat_w, self.weather.outdoor_at(minute), sun_w_m2, 80.0]
        self.history.tick(minute * 60.0, 60.0, inputs, [air_c] * 6, USUAL.slow_j_k)
        return RoomInputs(radiator_w=heat_w, gains_w=80.0, air_changes=0.47)


@pytest.mark.parametrize("mass_j_m2k", [110e3, 260e3])
def test_days_after_what_was_learned_are_foreseen_three_hours_ahead(mass_j_m2k: float) -> None:
    usual_k = learned_k = 0.0
    for seed in (1, 2, 3):
        life = HeatedByTheClock(seed)
        IsoRoom(mass_j_m2k=mass_j_m2k, azimuth=0.0).run(cast("Trial", life), 7)
        records, days = tuple(life.history.records), tuple(life.history.days)[:-1]
        seen = records[:-RECORDS_A_DAY]
        learned = refit(Snapshot(records=seen, days=days, noise_k=0.05, usual=USUAL, model=USUAL))
        usual_k += foresight_k(USUAL, records, 0.05) / 3
        learned_k += foresight_k(learned, records, 0.05) / 3
    assert learned_k < 0.16
    assert learned_k < 0.6 * usual_k
