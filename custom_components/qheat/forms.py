"""The forms of the config flow: which fields, with which selectors and bounds."""

from typing import Any, Final, Literal

import voluptuous as vol
from homeassistant.const import CONF_NAME, CONF_TOKEN, CONF_URL, UnitOfTemperature
from homeassistant.helpers.selector import (
    AreaSelector,
    EntitySelector,
    EntitySelectorConfig,
    EntityWithDeviceFilterSelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from .const import (
    BACKEND_EMBEDDED,
    BACKEND_OPERATOR,
    CONF_AREA,
    CONF_BACKEND,
    CONF_ELECTRICITY_PRICE,
    CONF_FLOOR_AREA_M2,
    CONF_IDLE_W,
    CONF_OUTDOOR_ENTITY,
    CONF_RATED_W,
    CONF_REFERENCE_EFFICIENCY,
    CONF_REFERENCE_PRICE,
    CONF_ROOM,
    CONF_SPEED,
    CONF_TEMPERATURE_ENTITY,
    ROOM_SENSOR,
    ROOM_SIMULATED,
)
from .setting import DEFAULT_PRESETS, MAX_SETPOINT_C, MIN_SETPOINT_C

# What a household pays for a kWh, rounded, as a start; other currencies are asked for.
TYPICAL_PRICE_PER_KWH: Final = {"CHF": 0.29, "EUR": 0.25, "GBP": 0.26, "USD": 0.17}

_TEMPERATURE: Final = EntityWithDeviceFilterSelectorConfig(
    domain="sensor", device_class="temperature"
)


_NAME: Final = vol.All(TextSelector(), vol.Strip, vol.Length(min=1, max=64))


def _number(
    minimum: float, maximum: float, step: float | Literal["any"], unit: str | None = None
) -> vol.All:
    config = NumberSelectorConfig(min=minimum, max=maximum, step=step, mode=NumberSelectorMode.BOX)
    if unit is not None:
        config["unit_of_measurement"] = unit
    # The selector lets NaN pass; a range does not.
    return vol.All(NumberSelector(config), vol.Range(minimum, maximum))


def _choice(key: str, options: list[str]) -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(options=options, translation_key=key, mode=SelectSelectorMode.LIST)
    )


HOME: Final = vol.Schema(
    {
        vol.Required(CONF_NAME): _NAME,
        vol.Required(CONF_BACKEND, default=BACKEND_EMBEDDED): _choice(
            CONF_BACKEND, [BACKEND_EMBEDDED, BACKEND_OPERATOR]
        ),
    }
)

OPERATOR: Final = vol.Schema(
    {
        vol.Required(CONF_URL): TextSelector(TextSelectorConfig(type=TextSelectorType.URL)),
        vol.Required(CONF_TOKEN): TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD)),
    }
)

TOKEN: Final = vol.Schema({vol.Required(CONF_TOKEN): OPERATOR.schema[CONF_TOKEN]})


def money(currency: str) -> vol.Schema:
    """Return the prices of a home, per kWh in `currency`."""
    price = _number(0, 1000, "any", f"{currency}/kWh")
    typical = TYPICAL_PRICE_PER_KWH.get(currency, vol.UNDEFINED)
    return vol.Schema(
        {
            vol.Required(CONF_ELECTRICITY_PRICE, default=typical): price,
            vol.Required(CONF_REFERENCE_PRICE, default=typical): price,
            vol.Required(CONF_REFERENCE_EFFICIENCY, default=1.0): _number(0.1, 10, "any"),
        }
    )


def options(currency: str) -> vol.Schema:
    """Return what can be changed of a home later: prices, outdoor temperature, presets."""
    return money(currency).extend(
        {
            vol.Optional(CONF_OUTDOOR_ENTITY): EntitySelector(
                EntitySelectorConfig(
                    filter=[
                        EntityWithDeviceFilterSelectorConfig(domain="weather"),
                        EntityWithDeviceFilterSelectorConfig(
                            domain="sensor", device_class="temperature"
                        ),
                    ]
                )
            ),
            **{
                vol.Required(str(preset), default=setpoint_c): _number(
                    MIN_SETPOINT_C, MAX_SETPOINT_C, 0.5, UnitOfTemperature.CELSIUS
                )
                for preset, setpoint_c in DEFAULT_PRESETS.items()
            },
        }
    )


_RADIATOR: Final[dict[Any, Any]] = {
    vol.Required(CONF_NAME): _NAME,
    vol.Required(CONF_RATED_W, default=500): _number(1, 20_000, 1, "W"),
    vol.Required(CONF_IDLE_W, default=20): _number(0, 5_000, 1, "W"),
    vol.Required(CONF_ROOM, default=ROOM_SENSOR): _choice(CONF_ROOM, [ROOM_SENSOR, ROOM_SIMULATED]),
}

RADIATOR: Final = vol.Schema(_RADIATOR)
NEW_RADIATOR: Final = vol.Schema({**_RADIATOR, vol.Optional(CONF_AREA): AreaSelector()})

ROOMS: Final = {
    ROOM_SENSOR: vol.Schema(
        {
            vol.Required(CONF_TEMPERATURE_ENTITY): EntitySelector(
                EntitySelectorConfig(filter=_TEMPERATURE)
            )
        }
    ),
    ROOM_SIMULATED: vol.Schema(
        {
            vol.Required(CONF_FLOOR_AREA_M2, default=18): _number(4, 200, 1, "m²"),
            vol.Required(CONF_SPEED, default=1): _number(1, 60, 1, "x"),
        }
    ),
}
