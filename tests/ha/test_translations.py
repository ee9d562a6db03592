"""What people read is there in every language, and nothing is there that nobody reads."""

import json
import re
from pathlib import Path
from typing import Any

import hass_frontend
import pytest
from homeassistant.components import climate, sensor
from homeassistant.components.climate import PRESET_NONE
from homeassistant.util.yaml import parse_yaml

from custom_components.qheat.boinc_sensor import BOINC_DESCRIPTIONS, GPU_DESCRIPTIONS
from custom_components.qheat.books_sensor import (
    FREE,
    HEAT_DESCRIPTIONS,
    MONEY_DESCRIPTIONS,
    WORK_DESCRIPTIONS,
)
from custom_components.qheat.compute.boinc import BoincFault
from custom_components.qheat.compute.boinc.rpc import DEFAULT_PORT
from custom_components.qheat.compute.engine import EngineProblem, HeatKind, PowerSource
from custom_components.qheat.const import DOMAIN
from custom_components.qheat.heating import Reason
from custom_components.qheat.heating.setting import PRESET_SCHEDULE, Preset
from custom_components.qheat.image import DESCRIPTION as PICTURE
from custom_components.qheat.issues import (
    BOINC_ISSUES,
    FOREIGN_SETTLEMENTS,
    PRICE_REFUSED,
    PRICE_SILENT,
    PULL_ISSUES,
    SCHEDULE_GONE,
    SENSOR_SILENT,
    SENSOR_STUCK,
)
from custom_components.qheat.ledger.statement_texts import TEXTS as STATEMENT_TEXTS
from custom_components.qheat.sensor import (
    EMBEDDED_DESCRIPTIONS,
    HOME_DESCRIPTIONS,
    RADIATOR_DESCRIPTIONS,
)
from custom_components.qheat.services import BOINC_ACTIONS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "custom_components" / "qheat"
TEXTS = {
    language: json.loads((FOLDER / "translations" / f"{language}.json").read_text("utf-8"))
    for language in ("en", "fr")
}
SENSORS = {
    description.key
    for description in (
        *HEAT_DESCRIPTIONS,
        *MONEY_DESCRIPTIONS,
        *WORK_DESCRIPTIONS,
        *EMBEDDED_DESCRIPTIONS,
        *HOME_DESCRIPTIONS,
        *RADIATOR_DESCRIPTIONS,
        *BOINC_DESCRIPTIONS,
        *GPU_DESCRIPTIONS,
    )
}


def leaves(texts: dict[str, Any], path: str = "") -> dict[str, str]:
    """Return all texts under their dotted paths."""
    found: dict[str, str] = {}
    for key, value in texts.items():
        below = leaves(value, f"{path}{key}.") if isinstance(value, dict) else {path + key: value}
        found |= below
    return found


def test_french_says_all_that_english_says_and_no_more() -> None:
    assert leaves(TEXTS["en"]).keys() == leaves(TEXTS["fr"]).keys()


@pytest.mark.parametrize("language", TEXTS)
def test_no_text_is_empty_or_has_loose_blanks(language: str) -> None:
    assert not [key for key, text in leaves(TEXTS[language]).items() if text.strip() != text]
    assert all(leaves(TEXTS[language]).values())


@pytest.mark.parametrize("language", TEXTS)
def test_every_entity_has_a_name(language: str) -> None:
    entity = TEXTS[language]["entity"]
    assert set(entity["sensor"]) == SENSORS
    assert set(entity["image"]) == {PICTURE.key}
    assert set(entity["climate"]) == {"thermostat"}


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize(
    ("sensor", "states"),
    [
        ("status", {*Reason, *EngineProblem}),
        ("heat_kind", set(HeatKind)),
        ("effective_cop", {FREE}),
        ("power_source", set(PowerSource)),
    ],
)
def test_every_state_has_a_text(language: str, sensor: str, states: set[str]) -> None:
    assert set(TEXTS[language]["entity"]["sensor"][sensor]["state"]) == states


def test_every_field_is_explained() -> None:
    for path in leaves(TEXTS["en"]):
        if ".data." in path:
            assert path.replace(".data.", ".data_description.") in leaves(TEXTS["en"])


def test_every_sensor_without_a_device_class_has_an_icon() -> None:
    icons = json.loads((FOLDER / "icons.json").read_text("utf-8"))["entity"]["sensor"]
    sensors = (*RADIATOR_DESCRIPTIONS, *BOINC_DESCRIPTIONS, *GPU_DESCRIPTIONS)
    plain = {d.key for d in sensors if d.device_class is None}
    assert plain <= set(icons)
    assert set(icons) <= SENSORS


@pytest.mark.parametrize("language", TEXTS)
def test_every_action_and_each_of_its_fields_has_a_text_and_an_icon(language: str) -> None:
    actions = parse_yaml((FOLDER / "services.yaml").read_text("utf-8"))
    assert isinstance(actions, dict)
    texts = TEXTS[language]["services"]
    icons = json.loads((FOLDER / "icons.json").read_text("utf-8"))["services"]
    assert actions.keys() == texts.keys() == icons.keys()
    for name, action in actions.items():
        assert action["fields"].keys() == texts[name]["fields"].keys()


def test_the_thermostat_offers_only_presets_that_have_a_text() -> None:
    built_in = {"none", "comfort", "eco", "away", "boost"}
    own = TEXTS["en"]["entity"]["climate"]["thermostat"]["state_attributes"]["preset_mode"]["state"]
    assert {PRESET_NONE, PRESET_SCHEDULE, *Preset} == built_in | set(own)


@pytest.mark.parametrize("language", TEXTS)
def test_presets_have_the_names_that_the_thermostat_shows_them_under(language: str) -> None:
    file = Path(climate.__file__).parent / "translations" / f"{language}.json"
    texts = json.loads(file.read_text("utf-8"))["entity_component"]["_"]
    shown = texts["state_attributes"]["preset_mode"]["state"]
    ours = TEXTS[language]["options"]["step"]["presets"]["data"]
    assert {name: text for name, text in ours.items() if name in shown}.items() <= shown.items()


def pages(language: str) -> dict[str, str]:
    """Return the texts of Home Assistant's own pages."""
    folder = Path(hass_frontend.where()) / "static" / "translations"
    texts: dict[str, str] = {}
    for file in folder.rglob(f"{language}-[0-9a-f]*.json"):
        texts |= json.loads(file.read_text("utf-8"))
    return texts


def test_french_texts_call_things_what_home_assistant_calls_them() -> None:
    french, shown = TEXTS["fr"], pages("fr")
    for radiator in french["config_subentries"].values():
        area = radiator["step"]["user"]["data"]["area"]
        assert area == shown["ui.components.area-picker.area"]
    repairs = shown["ui.panel.config.repairs.caption"].casefold()
    assert repairs in french["options"]["abort"]["machine_unfit"]
    file = Path(sensor.__file__).parent / "translations" / "fr.json"
    words = json.loads(file.read_text("utf-8"))["entity_component"]["_"]["state_attributes"]
    for radiator in french["config_subentries"].values():
        for kind in ("total", "total_increasing"):
            word = words["state_class"]["state"][kind].casefold()
            assert (
                f"«\N{NO-BREAK SPACE}{word}\N{NO-BREAK SPACE}»" in radiator["error"]["no_counter"]
            )


@pytest.mark.parametrize("language", TEXTS)
def test_the_title_of_a_form_fits_on_a_phone_above_what_home_assistant_writes_there(
    language: str,
) -> None:
    texts = leaves(TEXTS[language]["issues"])
    titles = [text for key, text in texts.items() if ".fix_flow.step." in key and "title" in key]
    assert titles
    assert max(map(len, titles)) <= 24
    # A name may be long, and there is room for it in the text.
    assert not [text for text in titles if "{" in text]


@pytest.mark.parametrize("language", TEXTS)
def test_the_title_of_a_repair_fits_into_the_list_on_a_phone(language: str) -> None:
    titles = (issue["title"] for issue in TEXTS[language]["issues"].values())
    assert not [text for text in titles if len(re.sub(r"{\w+}", "Salon", text)) > 38]


@pytest.mark.parametrize("name", ["README.md", "docs/money.md", "docs/thermostat.md"])
def test_every_place_that_people_are_sent_to_is_there(name: str) -> None:
    there = {*pages("en").values(), *leaves(TEXTS["en"]).values(), DOMAIN}
    places = re.findall(r"\*([^*\n]+ → [^*\n]+)\*", (ROOT / name).read_text("utf-8"))
    assert places
    assert [step for place in places for step in place.split(" → ") if step not in there] == []


@pytest.mark.parametrize("language", TEXTS)
def test_a_statement_calls_jobs_what_the_sensors_call_them(language: str) -> None:
    jobs = TEXTS[language]["entity"]["sensor"]["jobs_running"]["name"].split()[0]
    assert STATEMENT_TEXTS[language]["jobs"] == jobs
    assert jobs.casefold() in STATEMENT_TEXTS[language]["paid_heat_kwh"]


def test_no_french_line_begins_with_a_mark_that_ends_a_sentence() -> None:
    french = (*leaves(TEXTS["fr"]).values(), *STATEMENT_TEXTS["fr"].values())
    assert not [text for text in french if re.search(" [:;?!»]|« ", text)]


def test_every_refusal_of_a_boinc_client_has_a_text() -> None:
    # Only who is looked after already can turn out to be another machine: a repair tells.
    faults = set(BoincFault) - {BoincFault.OTHER_MACHINE}
    assert faults <= set(TEXTS["en"]["config_subentries"]["boinc"]["error"])
    assert {f"action_{fault}" for fault in faults} <= set(TEXTS["en"]["exceptions"])


@pytest.mark.parametrize("language", TEXTS)
def test_who_reaches_something_else_than_boinc_is_told_the_port_of_boinc(language: str) -> None:
    assert str(DEFAULT_PORT) in TEXTS[language]["config_subentries"]["boinc"]["error"]["not_boinc"]


def test_every_issue_of_a_radiator_has_a_text() -> None:
    issues = {*BOINC_ISSUES.values(), *PULL_ISSUES.values(), SCHEDULE_GONE}
    issues |= {SENSOR_SILENT, SENSOR_STUCK}
    of_money = {FOREIGN_SETTLEMENTS, PRICE_REFUSED, PRICE_SILENT}
    assert {issue.key for issue in issues | of_money} <= set(TEXTS["en"]["issues"])


def test_the_actions_of_a_boinc_machine_ask_for_what_they_take() -> None:
    actions = parse_yaml((FOLDER / "services.yaml").read_text("utf-8"))
    assert isinstance(actions, dict)
    for name, (schema, _) in BOINC_ACTIONS.items():
        assert set(actions[name]["fields"]) == {str(key) for key in schema.schema}
