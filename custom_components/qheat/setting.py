"""What the tenant has set on the thermostat: pure, frozen and kept over restarts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite
from typing import Final, Self

MIN_SETPOINT_C: Final = 5.0
MAX_SETPOINT_C: Final = 30.0


class Preset(StrEnum):
    """A named setpoint; the words are Home Assistant's own where it has one."""

    COMFORT = "comfort"
    ECO = "eco"
    AWAY = "away"
    BOOST = "boost"
    FROST_PROTECTION = "frost_protection"


type Presets = Mapping[Preset, float]

DEFAULT_PRESETS: Final[Presets] = {
    Preset.COMFORT: 20.0,
    Preset.ECO: 17.0,
    Preset.AWAY: 14.0,
    Preset.BOOST: 22.0,
    Preset.FROST_PROTECTION: 7.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The thermostat's mode, its setpoint and what to come back to after a preset."""

    heating: bool = False
    setpoint_c: float = DEFAULT_PRESETS[Preset.COMFORT]
    preset: Preset | None = None
    manual_c: float = DEFAULT_PRESETS[Preset.COMFORT]

    def with_heating(self, heating: bool) -> Self:
        """Turn heating on or off; the setpoint stays."""
        return replace(self, heating=heating)

    def with_setpoint(self, setpoint_c: float, presets: Presets) -> Self:
        """Set a temperature by hand; it takes the name of the preset that has it, if any."""
        preset = next((name for name, value in presets.items() if value == setpoint_c), None)
        return replace(self, setpoint_c=setpoint_c, manual_c=setpoint_c, preset=preset)

    def with_preset(self, preset: Preset | None, presets: Presets) -> Self:
        """Choose a preset; None brings back the temperature set by hand."""
        setpoint_c = self.manual_c if preset is None else presets[preset]
        return replace(self, setpoint_c=setpoint_c, preset=preset)

    def under(self, presets: Presets) -> Self:
        """Follow presets that were changed meanwhile."""
        return self if self.preset is None else self.with_preset(self.preset, presets)

    def save(self) -> dict[str, object]:
        """Return the setting as JSON-able data."""
        return {
            "heating": self.heating,
            "setpoint_c": self.setpoint_c,
            "preset": self.preset,
            "manual_c": self.manual_c,
        }

    @classmethod
    def load(cls, saved: Mapping[str, object]) -> Self:
        """Read what `save` gave; a value that makes no sense becomes its default."""
        default = cls()
        preset = saved.get("preset")
        return cls(
            heating=saved.get("heating") is True,
            setpoint_c=_setpoint(saved.get("setpoint_c"), default.setpoint_c),
            preset=Preset(preset) if isinstance(preset, str) and preset in Preset else None,
            manual_c=_setpoint(saved.get("manual_c"), default.manual_c),
        )


def _setpoint(value: object, default_c: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        return default_c
    return min(max(float(value), MIN_SETPOINT_C), MAX_SETPOINT_C)
