"""Sun on the horizontal from its height and the clouds: pure."""

from math import exp, radians, sin


def sun_w_m2(elevation_deg: float, covered: float) -> float:
    """Return the global irradiance in W/m² under a sky of which the share `covered` is cloud.

    Clear sky after Haurwitz (1945), clouds after Kasten and Czeplak (1980).
    """
    height = sin(radians(elevation_deg))
    if height <= 0:
        return 0.0
    shade: float = 0.75 * covered**3.4
    return 1098.0 * height * exp(-0.057 / height) * (1.0 - shade)
