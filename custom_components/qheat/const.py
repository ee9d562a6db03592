"""Constants of the qheat integration."""

import logging
from typing import Final

DOMAIN: Final = "qheat"
LOGGER: Final = logging.getLogger(__package__)

JOULES_PER_KWH: Final = 3_600_000

SUBENTRY_THIS_MACHINE: Final = "this_machine"
SUBENTRY_BOINC: Final = "boinc"

THERMOSTAT: Final = "thermostat"
"""The key of the climate entity, by which a radiator's dial is found."""

CONF_BACKEND: Final = "backend"
BACKEND_EMBEDDED: Final = "embedded"
BACKEND_OPERATOR: Final = "operator"

CONF_CURRENCY: Final = "currency"
CONF_ELECTRICITY_PRICE: Final = "electricity_price"
CONF_REFERENCE_PRICE: Final = "reference_price"
CONF_REFERENCE_EFFICIENCY: Final = "reference_efficiency"
CONF_ELECTRICITY_PRICE_ENTITY: Final = "electricity_price_entity"
CONF_REFERENCE_PRICE_ENTITY: Final = "reference_price_entity"
CONF_REFERENCE_KIND: Final = "reference_kind"
CONF_CO2_ELECTRICITY: Final = "co2_electricity"
CONF_CO2_REFERENCE: Final = "co2_reference"
CONF_CO2_SOURCE: Final = "co2_source"
CONF_OUTDOOR_ENTITY: Final = "outdoor_entity"
CONF_COMFORT_FLOOR: Final = "comfort_floor"
CONF_LEARN_ROUTINE: Final = "learn_routine"
CONF_PUBLISHERS: Final = "publishers"
CONF_UNPAID_JOBS: Final = "unpaid_jobs"

CONF_AREA: Final = "area"
CONF_RATED_W: Final = "rated_w"
CONF_IDLE_W: Final = "idle_w"
CONF_ROOM: Final = "room"
ROOM_SENSOR: Final = "sensor"
ROOM_SIMULATED: Final = "simulated"
CONF_SCHEDULE_ENTITY: Final = "schedule_entity"
CONF_TEMPERATURE_ENTITY: Final = "temperature_entity"
CONF_FLOOR_AREA_M2: Final = "floor_area_m2"
CONF_SPEED: Final = "speed"

CONF_MACHINE: Final = "machine"
CONF_CORES: Final = "cores"
CONF_GPU_W: Final = "gpu_w"
CONF_POWER_ENTITY: Final = "power_entity"
CONF_RATES: Final = "rates"
CONF_PROJECT: Final = "project"
CONF_RATE: Final = "rate"
