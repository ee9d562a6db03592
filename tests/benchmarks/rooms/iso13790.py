"""A room of ISO 13790:2008, annex C (five resistances, one capacity), with its air's capacity."""

from dataclasses import dataclass

from .trial import Trial

FLOOR_M2, VOLUME_M3, WINDOW_M2, WALL_M2 = 18.0, 45.0, 2.8, 9.7
SUBSTEPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class IsoRoom:
    """One room: W/K and J/K per the standard, its window's azimuth in degrees from north."""

    mass_j_m2k: float
    azimuth: float
    wall_u: float = 0.6
    window_u: float = 2.0
    solar_share: float = 0.45

    def run(self, trial: Trial, days: int) -> None:
        """Play `days` days of the trial in this room."""
        h_is = 3.45 * 4.5 * FLOOR_M2
        mass_m2 = (3.0 if self.mass_j_m2k > 200e3 else 2.5) * FLOOR_M2
        h_ms = 9.1 * mass_m2
        h_wall, h_window = self.wall_u * WALL_M2, self.window_u * WINDOW_M2
        h_em = 1 / (1 / h_wall - 1 / h_ms)
        air_j_k, mass_j_k = 1.5 * 1206 * VOLUME_M3, self.mass_j_m2k * FLOOR_M2
        share_m = mass_m2 / (4.5 * FLOOR_M2)
        share_st = 1 - share_m - h_window / (9.1 * 4.5 * FLOOR_M2)
        air_c = mass_c = 18.0
        for minute in range(days * 1440):
            given = trial.minute(minute, air_c)
            outdoor_c = trial.weather.outdoor_at(minute)
            sun_w = WINDOW_M2 * self.solar_share
            sun_w *= trial.weather.on_window_w_m2(minute, self.azimuth)
            radiant_w = 0.3 * given.radiator_w + 0.5 * given.gains_w + 0.9 * sun_w
            air_w = 0.7 * given.radiator_w + 0.5 * given.gains_w + 0.1 * sun_w
            h_ve = 0.34 * VOLUME_M3 * given.air_changes
            for _ in range(SUBSTEPS):
                star_c = h_ms * mass_c + h_is * air_c + h_window * outdoor_c + share_st * radiant_w
                star_c /= h_ms + h_is + h_window
                flow_w = air_w + h_is * (star_c - air_c) + h_ve * (outdoor_c - air_c)
                mass_w = share_m * radiant_w + h_ms * (star_c - mass_c)
                mass_w += h_em * (outdoor_c - mass_c)
                air_c += flow_w * 60 / SUBSTEPS / air_j_k
                mass_c += mass_w * 60 / SUBSTEPS / mass_j_k
