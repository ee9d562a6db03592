"""What Home Assistant finds at its start: homes with BOINC radiators."""

from typing import Any

from homeassistant.config_entries import STORAGE_KEY, STORAGE_VERSION, STORAGE_VERSION_MINOR

from tests.compute.boinc.simulated import PASSWORD, cpid_of

MADE_AT = "2026-01-01T00:00:00+00:00"
MONEY = {"electricity_price": 0.25, "reference_price": 0.25, "reference_efficiency": 1.0}


def entries(ports: list[int], in_home: int) -> dict[str, Any]:
    """Return stored config entries: at least one home, `in_home` radiators each."""
    firsts = range(0, max(len(ports), 1), in_home)
    homes = [_home(number, ports[first : first + in_home]) for number, first in enumerate(firsts)]
    return {
        "version": STORAGE_VERSION,
        "minor_version": STORAGE_VERSION_MINOR,
        "key": STORAGE_KEY,
        "data": {"entries": homes},
    }


def _home(number: int, ports: list[int]) -> dict[str, Any]:
    return {
        "created_at": MADE_AT,
        "modified_at": MADE_AT,
        "data": {"backend": "embedded", "currency": "EUR"},
        "disabled_by": None,
        "discovery_keys": {},
        "domain": "qheat",
        "entry_id": f"home{number}",
        "minor_version": 1,
        "options": MONEY,
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "subentries": [_radiator(port) for port in ports],
        "title": f"Home {number}",
        "unique_id": f"home{number}",
        "version": 1,
    }


def _radiator(port: int) -> dict[str, Any]:
    return {
        "data": {
            "host": "127.0.0.1",
            "port": port,
            "password": PASSWORD,
            "rated_w": 400,
            "idle_w": 20,
            "gpu_w": 0,
            "cores": 4,
            "machine": cpid_of(port),
            "room": "simulated",
            "floor_area_m2": 18,
            "speed": 1,
        },
        "subentry_id": f"radiator{port}",
        "subentry_type": "boinc",
        "title": f"Radiator {port}",
        "unique_id": None,
    }
