"""The action that exports statements: what it answers, where it writes, what it refuses."""

import hashlib
import json
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.models import User
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.util.file import WriteError
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.compute.engine import SettlementPage
from custom_components.qheat.ledger import Statement, make_statement

from .boinc import HALL, boinc_radiator
from .conftest import LIVING_ROOM, FixedEngine, set_up, settlement

NOVEMBER = {"first_day": "2026-11-01", "last_day": "2026-11-30"}


@pytest.fixture
async def heated(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> MockConfigEntry:
    """Return a home that has heated for an hour of November and was paid for one job."""
    freezer.move_to("2026-11-23 12:00:00+00:00")
    engine.tell(power_w=400.0)
    paid = settlement("job-1", settled_at=1_795_435_200.0)
    engine.pages = [SettlementPage(settlements=(paid,), cursor="1")]
    assert await hass.config_entries.async_setup(entry.entry_id)
    await entry.runtime_data.async_book_settlements()
    for _ in range(60):
        freezer.tick(60)
        await entry.runtime_data.async_refresh()
    await entry.runtime_data.async_book_settlements()
    return entry


async def export(hass: HomeAssistant, **data: Any) -> Any:
    """Ask for a statement as response."""
    return await hass.services.async_call(
        "qheat", "export_statement", data, blocking=True, return_response=True
    )


async def write(hass: HomeAssistant, path: Path | str, context: Context | None = None) -> None:
    """Write the statement of November to a file."""
    await hass.services.async_call(
        "qheat",
        "export_statement",
        NOVEMBER | {"format": "csv", "path": str(path)},
        blocking=True,
        context=context,
    )


def tables(folder: Path) -> list[Path]:
    """Return all CSV files in a folder and below."""
    return list(folder.rglob("*.csv"))


@pytest.mark.parametrize("kind", ["html", "csv", "json"])
async def test_a_statement_is_made_beside_the_loop_and_books_go_on_meanwhile(
    hass: HomeAssistant, heated: MockConfigEntry, kind: str
) -> None:
    before = await export(hass, **NOVEMBER, format=kind)
    told = [settlement(f"job-{number}", settled_at=1_795_435_200.0) for number in (2, 3)]
    booked = Event()

    async def book() -> None:
        heated.runtime_data.books.archive.booked(LIVING_ROOM, told)
        booked.set()

    def make(*args: Any, **kwargs: Any) -> Statement:
        hass.create_task(book())
        assert booked.wait(10)
        return make_statement(*args, **kwargs)

    with patch("custom_components.qheat.services.make_statement", make):
        assert await export(hass, **NOVEMBER, format=kind) == before


@pytest.mark.usefixtures("heated")
async def test_a_statement_has_heat_money_and_settlement_ids(hass: HomeAssistant) -> None:
    answer = await export(hass, **NOVEMBER, format="json")
    document = json.loads(answer["statement"])
    assert document["sha256"] == answer["sha256"]
    (row,) = document["statement"]["rows"]
    assert row["heat_kwh"] == "0.400"
    assert row["earned"] == "0.0020"
    assert row["settlement_ids"] == ["job-1"]
    assert document["statement"]["radiators"][0]["name"] == "Living room"


async def is_of_play_money(hass: HomeAssistant) -> bool:
    """Tell whether the statement of November says that it is of play money."""
    answer = await export(hass, **NOVEMBER, format="json")
    said: bool = json.loads(answer["statement"])["statement"]["play_money"]
    return said


@pytest.mark.parametrize("backend", ["embedded", "operator"])
async def test_a_statement_tells_play_money_from_an_operators_also_of_a_radiator_that_is_gone(
    hass: HomeAssistant, heated: MockConfigEntry, backend: str
) -> None:
    data = {**heated.data, "backend": backend, "url": "https://jobs.example", "token": "secret"}
    hass.config_entries.async_update_entry(heated, data=data)
    await hass.async_block_till_done()
    assert await is_of_play_money(hass) == (backend == "embedded")
    hass.config_entries.async_remove_subentry(heated, LIVING_ROOM)
    await hass.async_block_till_done()
    assert await is_of_play_money(hass) == (backend == "embedded")


@pytest.mark.usefixtures("engine")
async def test_a_home_that_has_had_boinc_machines_alone_has_no_play_money(
    hass: HomeAssistant,
) -> None:
    entry = await set_up(hass, boinc_radiator(1))
    assert not await is_of_play_money(hass)
    hass.config_entries.async_remove_subentry(entry, HALL)
    await hass.async_block_till_done()
    assert not await is_of_play_money(hass)


@pytest.mark.usefixtures("heated")
async def test_the_hash_answered_is_the_one_in_the_table(hass: HomeAssistant) -> None:
    answer = await export(hass, **NOVEMBER, format="csv")
    above, _, last = answer["statement"].rpartition("sha256,")
    assert last.strip() == answer["sha256"] == hashlib.sha256(above.encode()).hexdigest()


async def test_a_statement_lists_what_was_settled_in_another_currency(
    hass: HomeAssistant, heated: MockConfigEntry, engine: FixedEngine
) -> None:
    yen = settlement("yen-1", currency="JPY", settled_at=1_795_435_200.0)
    engine.pages = [SettlementPage(settlements=(yen,), cursor="2")]
    await heated.runtime_data.async_book_settlements()
    document = json.loads((await export(hass, **NOVEMBER, format="json"))["statement"])
    assert [one["settlement_id"] for one in document["statement"]["foreign"]] == ["yen-1"]
    assert document["statement"]["sums"]["earned"] == "0.0020"


@pytest.mark.usefixtures("heated")
async def test_a_statement_to_print_speaks_the_language_of_home_assistant(
    hass: HomeAssistant,
) -> None:
    hass.config.language = "fr"
    answer = await export(hass, **NOVEMBER, format="html")
    assert "Décompte de chaleur" in answer["statement"]


@pytest.mark.usefixtures("heated")
async def test_without_days_the_statement_is_of_last_month(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    freezer.move_to("2026-12-05 12:00:00+00:00")
    answer = await export(hass, format="csv")
    assert (answer["first_day"], answer["last_day"]) == ("2026-11-01", "2026-11-30")
    assert "job-1" in answer["statement"]


async def test_a_statement_knows_the_name_of_a_radiator_that_is_gone(
    hass: HomeAssistant, heated: MockConfigEntry
) -> None:
    hass.config_entries.async_remove_subentry(heated, LIVING_ROOM)
    await hass.async_block_till_done()
    assert await hass.config_entries.async_reload(heated.entry_id)
    document = json.loads((await export(hass, **NOVEMBER, format="json"))["statement"])
    assert [one["name"] for one in document["statement"]["radiators"]] == ["Living room"]


async def test_a_statement_outlives_a_restart(
    hass: HomeAssistant, heated: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    assert await hass.config_entries.async_reload(heated.entry_id)
    answer = await export(hass, **NOVEMBER, format="csv")
    assert "job-1" in answer["statement"]
    assert "job-1" in json.dumps(hass_storage["qheat.01JHOME.days"])
    await hass.config_entries.async_remove(heated.entry_id)
    assert "qheat.01JHOME.days" not in hass_storage


@pytest.mark.parametrize("days", [{"version": 99}, {"version": 1, "currency": "USD"}, []])
async def test_damaged_days_are_set_aside_and_the_open_ones_kept_anew(
    hass: HomeAssistant, heated: MockConfigEntry, hass_storage: dict[str, Any], days: Any
) -> None:
    assert await hass.config_entries.async_unload(heated.entry_id)
    hass_storage["qheat.01JHOME.days"]["data"] = days
    assert await hass.config_entries.async_setup(heated.entry_id)
    answer = await export(hass, **NOVEMBER, format="csv")
    assert "job-1" in answer["statement"]
    assert hass_storage["qheat.01JHOME.days.damaged"]["data"] == days
    await hass.config_entries.async_remove(heated.entry_id)
    assert not [key for key in hass_storage if key.startswith("qheat.01JHOME")]


async def test_damaged_days_stay_where_they_are_until_the_disk_has_room_to_set_them_aside(
    hass: HomeAssistant, heated: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    assert await hass.config_entries.async_unload(heated.entry_id)
    hass_storage["qheat.01JHOME.days"]["data"] = []
    with patch("homeassistant.helpers.storage.Store._async_write_data", side_effect=WriteError):
        assert await hass.config_entries.async_setup(heated.entry_id)
    assert hass_storage["qheat.01JHOME.days"]["data"] == []
    assert await hass.config_entries.async_unload(heated.entry_id)
    assert hass_storage["qheat.01JHOME.days.damaged"]["data"] == []
    assert "job-1" in json.dumps(hass_storage["qheat.01JHOME.days"])


async def test_where_the_books_are_damaged_the_days_stay_and_count_nothing_twice(
    hass: HomeAssistant,
    heated: MockConfigEntry,
    engine: FixedEngine,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    assert await hass.config_entries.async_unload(heated.entry_id)
    hass_storage["qheat.01JHOME"]["data"]["ledger"] = "damaged"
    engine.tell(power_w=100.0)
    told_again = settlement("job-1", settled_at=1_795_435_200.0)
    engine.pages = [SettlementPage(settlements=(told_again,), cursor="1")]
    assert await hass.config_entries.async_setup(heated.entry_id)
    await heated.runtime_data.async_book_settlements()
    for _ in range(120):
        freezer.tick(60)
        await heated.runtime_data.async_refresh()
    document = json.loads((await export(hass, **NOVEMBER, format="json"))["statement"])
    (row,) = document["statement"]["rows"]
    assert row["earned"] == "0.0020"
    assert row["settlement_ids"] == ["job-1"]
    # Two hours more at a hundred watts, but for what is left of the hour of the start.
    assert 0.4 + 0.1 <= float(row["heat_kwh"]) <= 0.4 + 0.2


@pytest.mark.usefixtures("heated")
async def test_a_statement_is_written_where_home_assistant_may_write(
    hass: HomeAssistant, own_folder: Path, tmp_path: Path
) -> None:
    hass.config.allowlist_external_dirs = {str(tmp_path / "www")}
    await write(hass, "www/statements/november.csv")
    text = (tmp_path / "www" / "statements" / "november.csv").read_bytes().decode()
    answer = await export(hass, **NOVEMBER, format="csv")
    assert text == answer["statement"]


@pytest.mark.usefixtures("heated")
@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("configuration.csv", "path_not_allowed"),
        ("www/../.storage/auth.csv", "path_not_allowed"),
        ("/etc/november.csv", "path_not_allowed"),
        ("www/link/november.csv", "path_not_allowed"),
        ("www/november.html", "path_ending"),
        ("www/november", "path_ending"),
        ("www/nove\0mber.csv", "statement_not_written"),
        ("www/file/november.csv", "statement_not_written"),
    ],
)
async def test_a_statement_is_written_nowhere_else(
    hass: HomeAssistant, tmp_path: Path, path: str, key: str
) -> None:
    hass.config.allowlist_external_dirs = {str(tmp_path / "www")}
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "link").symlink_to(tmp_path)
    (tmp_path / "www" / "file").touch()
    with pytest.raises(HomeAssistantError) as raised:
        await write(hass, path)
    assert raised.value.translation_key == key
    assert not tables(tmp_path)


@pytest.mark.usefixtures("heated")
async def test_a_refusal_names_the_folders_that_home_assistant_may_write_to(
    hass: HomeAssistant,
) -> None:
    hass.config.allowlist_external_dirs = {"/media", "/config/www"}
    with pytest.raises(ServiceValidationError, match=r"may write to /config/www, /media, and"):
        await write(hass, "media/november.csv")


@pytest.mark.usefixtures("heated")
async def test_only_an_administrator_writes_files(
    hass: HomeAssistant, tmp_path: Path, hass_read_only_user: User, hass_admin_user: User
) -> None:
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    with pytest.raises(Unauthorized):
        await write(hass, tmp_path / "a.csv", Context(user_id=hass_read_only_user.id))
    await write(hass, tmp_path / "a.csv", Context(user_id=hass_admin_user.id))
    assert (tmp_path / "a.csv").exists()


@pytest.mark.usefixtures("heated")
async def test_a_statement_for_nobody_is_refused(hass: HomeAssistant) -> None:
    with pytest.raises(ServiceValidationError) as raised:
        await hass.services.async_call(
            "qheat", "export_statement", {"format": "csv"}, blocking=True
        )
    assert raised.value.translation_key == "statement_nowhere"


@pytest.mark.usefixtures("heated")
async def test_a_span_that_ends_before_it_begins_is_refused(hass: HomeAssistant) -> None:
    with pytest.raises(ServiceValidationError) as raised:
        await export(hass, first_day="2026-11-02", last_day="2026-11-01", format="csv")
    assert raised.value.translation_key == "statement_backwards"


@pytest.mark.usefixtures("heated")
@pytest.mark.parametrize("field", ["first_day", "last_day"])
async def test_who_gives_one_day_of_a_span_is_told_in_words_to_give_both(
    hass: HomeAssistant, field: str
) -> None:
    with pytest.raises(ServiceValidationError) as raised:
        await export(hass, **{field: "2026-11-01"}, format="csv")
    assert raised.value.translation_key == "statement_half_span"


async def test_a_home_that_is_not_loaded_has_no_statement(
    hass: HomeAssistant, heated: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(heated.entry_id)
    with pytest.raises(ServiceValidationError):
        await export(hass, config_entry_id=heated.entry_id, format="csv")
