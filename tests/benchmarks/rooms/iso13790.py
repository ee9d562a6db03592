"""A room of ISO 13790:2008, annex C (five resistances, one capacity), with its air's capacity."""

from dataclasses import dataclass

from .trial import Trial

HEIGHT_M = 2.5
SUBSTEPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class IsoRoom:
    """One room: U in W/m²K, capacity per m² of floor, its window's degrees from north."""

    mass_j_m2k: float
    azimuth: float
    floor_m2: float = 18.0
    window_m2: float = 2.8
    wall_m2: float = 9.7
    wall_u: float = 0.6
    window_u: float = 2.0
    solar_share: float = 0.45

    def run(self, trial: Trial, days: int) -> None:
        """Play `days` days of the trial in this room."""
        floor_m2, volume_m3 = self.floor_m2, HEIGHT_M * self.floor_m2
        h_is = 3.45 * 4.5 * floor_m2
        mass_m2 = (3.0 if self.mass_j_m2k > 200e3 else 2.5) * floor_m2
        h_ms = 9.1 * mass_m2
        h_wall, h_window = self.wall_u * self.wall_m2, self.window_u * self.window_m2
        h_em = 1 / (1 / h_wall - 1 / h_ms)
        air_j_k, mass_j_k = 1.5 * 1206 * volume_m3, self.mass_j_m2k * floor_m2
        share_m = mass_m2 / (4.5 * floor_m2)
        share_st = 1 - share_m - h_window / (9.1 * 4.5 * floor_m2)
        air_c = mass_c = 18.0
        for minute in range(days * 1440):
            given = trial.minute(minute, air_c)
            outdoor_c = trial.weather.outdoor_at(minute)
            sun_w = self.window_m2 * self.solar_share
            sun_w *= trial.weather.on_window_w_m2(minute, self.azimuth)
            radiant_w = 0.3 * given.radiator_w + 0.5 * given.gains_w + 0.9 * sun_w
            air_w = 0.7 * given.radiator_w + 0.5 * given.gains_w + 0.1 * sun_w
            h_ve = 0.34 * volume_m3 * given.air_changes
            for _ in range(SUBSTEPS):
                star_c = h_ms * mass_c + h_is * air_c + h_window * outdoor_c + share_st * radiant_w
                star_c /= h_ms + h_is + h_window
                flow_w = air_w + h_is * (star_c - air_c) + h_ve * (outdoor_c - air_c)
                mass_w = share_m * radiant_w + h_ms * (star_c - mass_c)
                mass_w += h_em * (outdoor_c - mass_c)
                air_c += flow_w * 60 / SUBSTEPS / air_j_k
                mass_c += mass_w * 60 / SUBSTEPS / mass_j_k
