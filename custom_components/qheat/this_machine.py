"""Radiators heated by this machine's own processors, and where their jobs come from."""

import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.storage import STORAGE_DIR

from .backend import EmbeddedBackend, StoreError, Terms, catalogue
from .compute.client import JobClient
from .compute.computer import MeteredEngine
from .compute.engine import Engine, EngineError, PowerModel
from .compute.machine import Machine
from .compute.meter import IMPOSSIBLE_SHARE, PowerMeter
from .compute.pull import PullEngine
from .compute.trust import Trust
from .const import (
    BACKEND_EMBEDDED,
    CONF_BACKEND,
    CONF_IDLE_W,
    CONF_POWER_ENTITY,
    CONF_PUBLISHERS,
    CONF_RATED_W,
    CONF_UNPAID_JOBS,
    DOMAIN,
)
from .heating import RadiatorRating
from .ledger import Tariff
from .machine_share import async_shared_machine, computer_power
from .power_meter import async_follow_meter
from .publishers import Serials
from .shelf import tell_damage


@dataclass(frozen=True, slots=True, kw_only=True)
class ThisMachine:
    """The machine's slots and the backend that keeps them busy."""

    hass: HomeAssistant
    stack: AsyncExitStack
    """What is closed with the home."""
    machine: Machine | None
    """None where no job can run."""
    embedded: EmbeddedBackend | None
    client: JobClient
    trust: Trust
    unpaid: bool
    """Whether jobs that neither pay nor repay are taken where no other is there."""

    def build(self, radiator_id: str, data: Mapping[str, Any]) -> tuple[RadiatorRating, Engine]:
        """Return what a radiator can give, and its engine."""
        machine = self.machine or Machine(1)  # never started, it runs nothing and says so
        power = PowerModel(
            idle_w=data[CONF_IDLE_W], rated_w=data[CONF_RATED_W], slots=machine.slots
        )
        rating = RadiatorRating(
            idle_w=power.idle_w,
            rated_w=power.rated_w,
            slots=power.slots,
            pausable=True,
            divisible=True,
        )
        engine = PullEngine(
            self.client, machine, radiator_id, power, trust=self.trust, unpaid=self.unpaid
        )
        computer = computer_power(self.hass)
        if entity_id := data.get(CONF_POWER_ENTITY):
            meter = PowerMeter(most_w=IMPOSSIBLE_SHARE * power.rated_w)
            self.stack.enter_context(computer.metered(meter))
            for unfollow in async_follow_meter(self.hass, entity_id, meter):
                self.stack.callback(unfollow)
        return rating, MeteredEngine(engine, computer)


async def async_open_this_machine(
    hass: HomeAssistant, entry: ConfigEntry, tariff: Tariff, stack: AsyncExitStack
) -> ThisMachine:
    """Start the machine, and the embedded backend if the home's jobs come from there."""
    machine = None
    try:
        machine = await stack.enter_async_context(async_shared_machine(hass))
    except EngineError as err:
        _tell_unfit(hass, entry, err, stack)
    if entry.data[CONF_BACKEND] == BACKEND_EMBEDDED:
        embedded, client = await _open_embedded(hass, entry, tariff, stack)
    else:
        session = async_get_clientsession(hass)
        embedded, client = None, JobClient(session, entry.data[CONF_URL], entry.data[CONF_TOKEN])
    serials = Serials(hass, entry.entry_id)
    stack.push_async_callback(serials.async_close)
    trust = Trust(
        entry.options.get(CONF_PUBLISHERS, ()),
        serials=await serials.async_read(),
        keep=serials.keep,
    )
    return ThisMachine(
        hass=hass,
        stack=stack,
        machine=machine,
        embedded=embedded,
        client=client,
        trust=trust,
        unpaid=entry.options.get(CONF_UNPAID_JOBS, False),
    )


async def async_delete_database(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete what the embedded backend of a home has kept, also what was set aside."""
    ir.async_delete_issue(hass, DOMAIN, f"jobs_damaged_{entry.entry_id}")
    await hass.async_add_executor_job(_delete_database, database_of(hass, entry))


def database_of(hass: HomeAssistant, entry: ConfigEntry) -> Path:
    """Return the embedded backend's database; it is there if a home ever had jobs from there."""
    return Path(hass.config.path(STORAGE_DIR, f"{DOMAIN}.{entry.entry_id}.sqlite"))


def _delete_database(database: Path) -> None:
    for path in database.parent.glob(f"{database.stem}.*"):
        path.unlink()


def _tell_unfit(
    hass: HomeAssistant, entry: ConfigEntry, err: EngineError, stack: AsyncExitStack
) -> None:
    """Say why no job can run here; what needs none, BOINC machines for instance, goes on."""
    issue_id = f"machine_unfit_{entry.entry_id}"
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key="machine_unfit",
        translation_placeholders={"home": entry.title, "detail": str(err)},
    )
    stack.callback(ir.async_delete_issue, hass, DOMAIN, issue_id)


async def _open_embedded(
    hass: HomeAssistant, entry: ConfigEntry, tariff: Tariff, stack: AsyncExitStack
) -> tuple[EmbeddedBackend, JobClient]:
    token = secrets.token_urlsafe()
    backend = EmbeddedBackend(
        db_path=database_of(hass, entry),
        token=token,
        terms=Terms(currency=tariff.currency, repayment_per_kwh=tariff.electricity_per_kwh),
        catalogue=catalogue,
    )
    try:
        await backend.start()
    except (OSError, StoreError) as err:
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key="backend_failed",
            translation_placeholders={"detail": str(err)},
        ) from err
    stack.push_async_callback(backend.stop)
    if backend.set_aside is not None:
        tell_damage(hass, entry, "jobs_damaged", str(backend.set_aside))
    connector = aiohttp.UnixConnector(path=str(backend.socket_path))
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
    return backend, JobClient(session, "http://localhost", token)
