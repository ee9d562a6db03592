"""The forms of the config flow: fields, selectors and bounds, and faults that no selector sees."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import voluptuous as vol
from homeassistant.components.sensor import ATTR_STATE_CLASS, SensorDeviceClass, SensorStateClass
from homeassistant.const import (
    ATTR_DEVICE_CLASS,
    CONF_HOST,
    CONF_NAME,
    CONF_PASSWORD,
    CONF_PORT,
    CONF_TOKEN,
    CONF_URL,
    UnitOfTemperature,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import (
    AreaSelector,
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    EntityWithDeviceFilterSelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    ObjectSelector,
    ObjectSelectorConfig,
    ObjectSelectorField,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from .boinc_machines import MAX_RATE
from .compute.boinc import DEFAULT_PORT
from .const import (
    BACKEND_EMBEDDED,
    BACKEND_OPERATOR,
    CONF_AREA,
    CONF_BACKEND,
    CONF_CO2_ELECTRICITY,
    CONF_CO2_REFERENCE,
    CONF_CO2_SOURCE,
    CONF_COMFORT_FLOOR,
    CONF_ELECTRICITY_PRICE,
    CONF_ELECTRICITY_PRICE_ENTITY,
    CONF_FLOOR_AREA_M2,
    CONF_GPU_W,
    CONF_IDLE_W,
    CONF_LEARN_ROUTINE,
    CONF_OUTDOOR_ENTITY,
    CONF_POWER_ENTITY,
    CONF_PROJECT,
    CONF_PUBLISHERS,
    CONF_RATE,
    CONF_RATED_W,
    CONF_RATES,
    CONF_REFERENCE_EFFICIENCY,
    CONF_REFERENCE_KIND,
    CONF_REFERENCE_PRICE,
    CONF_REFERENCE_PRICE_ENTITY,
    CONF_ROOM,
    CONF_SCHEDULE_ENTITY,
    CONF_SPEED,
    CONF_TEMPERATURE_ENTITY,
    CONF_UNPAID_JOBS,
    DOMAIN,
    ROOM_SENSOR,
    ROOM_SIMULATED,
)
from .heating import FROST_LIMIT_C
from .heating.setting import DEFAULT_PRESETS, MAX_SETPOINT_C, MIN_SETPOINT_C
from .ledger import MAX_PRICE_PER_KWH, ReferenceKind

# What a household pays for a kWh, rounded, as a start; other currencies are asked for.
TYPICAL_PRICE_PER_KWH: Final = {"CHF": 0.29, "EUR": 0.25, "GBP": 0.26, "USD": 0.17}

_TEMPERATURE: Final = EntityWithDeviceFilterSelectorConfig(
    domain="sensor", device_class="temperature"
)
_COUNTING: Final = {SensorStateClass.TOTAL, SensorStateClass.TOTAL_INCREASING}
_NAME: Final = vol.All(TextSelector(), vol.Strip)
_LONGEST_NAME: Final = 64
# A line's end is easily copied along; a BOINC client strips what it reads from its file, too.
_SECRET: Final = vol.All(
    TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD)), vol.Strip
)


def name_fault(user_input: Mapping[str, Any]) -> dict[str, str]:
    """Tell whether a name is empty or too long: voluptuous would say so in English only."""
    return {} if 1 <= len(user_input[CONF_NAME]) <= _LONGEST_NAME else {CONF_NAME: "bad_name"}


def is_own(hass: HomeAssistant, entity_id: str | None) -> bool:
    """Tell whether an entity is one of qheat: to read it would be to read an echo."""
    entity = er.async_get(hass).async_get(entity_id) if entity_id else None
    return entity is not None and entity.platform == DOMAIN


def meter_fault(hass: HomeAssistant, entity_id: str | None) -> str | None:
    """Return why an entity cannot be a power meter, as the key of an error; None: it can."""
    if is_own(hass, entity_id):
        return "own_entity"
    state = hass.states.get(entity_id) if entity_id else None
    shown = state.attributes if state else {}
    is_energy = shown.get(ATTR_DEVICE_CLASS) == SensorDeviceClass.ENERGY
    return "no_counter" if is_energy and shown.get(ATTR_STATE_CLASS) not in _COUNTING else None


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
        vol.Required(CONF_TOKEN): _SECRET,
    }
)

TOKEN: Final = vol.Schema({vol.Required(CONF_TOKEN): OPERATOR.schema[CONF_TOKEN]})


def publishers(offered: Iterable[str]) -> vol.Schema:
    """Return which publishers to accept: some fingerprints are offered, others typed."""
    fingerprints = SelectSelector(
        SelectSelectorConfig(options=list(offered), multiple=True, custom_value=True)
    )
    return vol.Schema({vol.Optional(CONF_PUBLISHERS): fingerprints})


def in_full(offered: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return fingerprints and kinds of jobs, as code: a list cuts them off, text may be a link."""
    lines = (f"- `{'` `'.join((key, *kinds))}`" for key, kinds in offered.items())
    return {"offered": "\n".join(lines) or "—"}


def money(currency: str) -> vol.Schema:
    """Return the prices of a home, per kWh in `currency`."""
    price = _number(0, float(MAX_PRICE_PER_KWH), "any", f"{currency}/kWh")
    price_entity = EntitySelector(EntitySelectorConfig(domain=["sensor", "input_number", "number"]))
    typical = TYPICAL_PRICE_PER_KWH.get(currency, vol.UNDEFINED)
    return vol.Schema(
        {
            vol.Required(CONF_ELECTRICITY_PRICE, default=typical): price,
            vol.Optional(CONF_ELECTRICITY_PRICE_ENTITY): price_entity,
            vol.Required(CONF_REFERENCE_KIND, default=ReferenceKind.ELECTRIC.value): _choice(
                CONF_REFERENCE_KIND, list(ReferenceKind)
            ),
            vol.Required(CONF_REFERENCE_PRICE, default=typical): price,
            vol.Optional(CONF_REFERENCE_PRICE_ENTITY): price_entity,
            vol.Optional(CONF_REFERENCE_EFFICIENCY): _number(0.1, 10, "any"),
        }
    )


PRESETS: Final = vol.Schema(
    {
        **{
            vol.Required(str(preset), default=setpoint_c): _number(
                MIN_SETPOINT_C, MAX_SETPOINT_C, 0.5, UnitOfTemperature.CELSIUS
            )
            for preset, setpoint_c in DEFAULT_PRESETS.items()
        },
        vol.Required(CONF_COMFORT_FLOOR, default=FROST_LIMIT_C): _number(
            FROST_LIMIT_C, MAX_SETPOINT_C, 0.5, UnitOfTemperature.CELSIUS
        ),
        vol.Required(CONF_LEARN_ROUTINE, default=True): BooleanSelector(),
        vol.Optional(CONF_OUTDOOR_ENTITY): EntitySelector(
            EntitySelectorConfig(
                filter=[EntityWithDeviceFilterSelectorConfig(domain="weather"), _TEMPERATURE]
            )
        ),
    }
)

_GRAMS: Final = _number(0, 10_000, "any", "g/kWh")

CO2: Final = vol.Schema(
    {
        vol.Optional(CONF_CO2_ELECTRICITY): _GRAMS,
        vol.Optional(CONF_CO2_REFERENCE): _GRAMS,
        vol.Optional(CONF_CO2_SOURCE): TextSelector(),
    }
)

UNPAID: Final = vol.Schema({vol.Required(CONF_UNPAID_JOBS, default=False): BooleanSelector()})


_RADIATOR: Final[dict[Any, Any]] = {
    vol.Required(CONF_NAME): _NAME,
    vol.Required(CONF_RATED_W, default=500): _number(1, 20_000, 0.1, "W"),
    vol.Required(CONF_IDLE_W, default=20): _number(0, 5_000, 0.1, "W"),
    vol.Optional(CONF_POWER_ENTITY): EntitySelector(
        EntitySelectorConfig(
            filter=EntityWithDeviceFilterSelectorConfig(
                domain="sensor", device_class=["power", "energy"]
            )
        )
    ),
    vol.Required(CONF_ROOM, default=ROOM_SENSOR): _choice(CONF_ROOM, [ROOM_SENSOR, ROOM_SIMULATED]),
    vol.Optional(CONF_SCHEDULE_ENTITY): EntitySelector(EntitySelectorConfig(domain="schedule")),
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

_BOINC: Final[dict[Any, Any]] = {
    vol.Required(CONF_NAME): _NAME,
    vol.Required(CONF_HOST): vol.All(TextSelector(), vol.Strip),
    vol.Required(CONF_PORT, default=DEFAULT_PORT): vol.All(_number(1, 65_535, 1), vol.Coerce(int)),
}
_BOINC_HEAT: Final[dict[Any, Any]] = {
    **_RADIATOR,
    vol.Required(CONF_GPU_W, default=0): _number(0, 5_000, 1, "W"),
    vol.Optional(CONF_RATES): ObjectSelector(
        ObjectSelectorConfig(
            fields={
                CONF_PROJECT: ObjectSelectorField(
                    required=True,
                    selector=TextSelector(TextSelectorConfig(type=TextSelectorType.URL)),
                ),
                CONF_RATE: ObjectSelectorField(
                    required=True,
                    selector=NumberSelector(
                        NumberSelectorConfig(
                            min=0, max=MAX_RATE, step="any", mode=NumberSelectorMode.BOX
                        )
                    ),
                ),
            },
            multiple=True,
            label_field=CONF_PROJECT,
            description_field=CONF_RATE,
            translation_key=CONF_RATES,
        )
    ),
}

BOINC: Final = vol.Schema({**_BOINC, vol.Optional(CONF_PASSWORD): _SECRET, **_BOINC_HEAT})
NEW_BOINC: Final = vol.Schema(
    {
        **_BOINC,
        vol.Required(CONF_PASSWORD): _SECRET,
        **_BOINC_HEAT,
        vol.Optional(CONF_AREA): AreaSelector(),
    }
)
