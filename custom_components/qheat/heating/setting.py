"""What the tenant has set on the thermostat: pure, frozen and kept over restarts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isclose
from typing import Final, Self

from .guards import believable

MIN_SETPOINT_C: Final = 5.0
MAX_SETPOINT_C: Final = 30.0


class Preset(StrEnum):
    """A named setpoint; the words are Home Assistant's own where it has one."""

    COMFORT = "comfort"
    ECO = "eco"
    AWAY = "away"
    BOOST = "boost"
    FROST_PROTECTION = "frost_protection"


PRESET_SCHEDULE: Final = "schedule"
"""The thermostat's word for following its schedule: a preset without a setpoint of its own."""

type Presets = Mapping[Preset, float]

LASTING: Final = frozenset({Preset.AWAY, Preset.FROST_PROTECTION})
"""Presets that no schedule ends: nobody knows when the tenant will be back."""

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
    follows: bool = True
    """Whether the schedule, where there is one, gives the setpoint."""
    held_until_s: float | None = None
    """When (epoch) the schedule takes over again; None: when the tenant says so."""

    def with_heating(self, heating: bool) -> Self:
        """Turn heating on or off; the setpoint stays."""
        return replace(self, heating=heating)

    def with_setpoint(self, setpoint_c: float, presets: Presets) -> Self:
        """Set a temperature by hand; it takes the name of the preset that has it, if any.

        A temperature alone does not say that somebody is away for an unknown time.
        """
        # What was set in °F comes a hair beside the preset that it is.
        names = (
            name for name, value in presets.items() if isclose(value, setpoint_c, abs_tol=1e-6)
        )
        preset = next((name for name in names if name not in LASTING), None)
        return replace(self, setpoint_c=setpoint_c, manual_c=setpoint_c, preset=preset)

    def with_preset(self, preset: Preset | None, presets: Presets) -> Self:
        """Choose a preset; None brings back the temperature set by hand."""
        setpoint_c = self.manual_c if preset is None else presets[preset]
        return replace(self, setpoint_c=setpoint_c, preset=preset)

    def held(self, until_s: float | None) -> Self:
        """Let the schedule wait until its next change; lasting presets wait for the tenant."""
        held_until_s = None if self.preset in LASTING else until_s
        return replace(self, follows=False, held_until_s=held_until_s)

    def following(self) -> Self:
        """Follow the schedule again."""
        return replace(self, follows=True, held_until_s=None)

    def scheduled(self, now_s: float, setpoint_c: float) -> Self:
        """Take over the setpoint that the schedule has now, unless another is still held."""
        if not self.follows and (self.held_until_s is None or now_s < self.held_until_s):
            return self
        return replace(self.following(), setpoint_c=setpoint_c, preset=None)

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
            "follows": self.follows,
            "held_until_s": self.held_until_s,
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
            follows=saved.get("follows") is not False,
            held_until_s=believable(saved.get("held_until_s")),
        )


def _setpoint(value: object, default_c: float) -> float:
    setpoint_c = believable(value)
    return default_c if setpoint_c is None else min(max(setpoint_c, MIN_SETPOINT_C), MAX_SETPOINT_C)
