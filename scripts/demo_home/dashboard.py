"""The demo's start page, and what the energy page shows."""

from collections.abc import Mapping
from typing import Any, Final

from .api import Api
from .plan import Plan, RadiatorPlan

URL_PATH: Final = "qheat-demo"
TITLE: Final = "Heated by computing"

FOUND: Final = {
    "option_price": "**The price of an option**, from many random walks: {}",
    "docking": "**A molecule fitted into a pocket**, its binding energy in kJ/mol: {}",
}
NOTHING_YET: Final = ["unavailable", "unknown"]
# A quarter of an hour is fifteen hours in the simulated rooms.
GRAPH_H: Final = 0.25

type Card = dict[str, Any]

WELCOME: Final = """\
# Heated by computing
Turn a thermostat up: this computer takes on more jobs, and the room gets warmer.
"""

WHAT_IS_REAL: Final = """\
**Real:** the jobs, the processor cores that run them and the CPU time they take; the thermostats, \
the settlements and the sums.

**Simulated:** the three rooms and the winter day outside. Their clock runs 60 times faster than \
yours. The radiators share this computer's cores, and a core at work counts as the watts that its \
radiator is rated for.

**Play money:** the jobs come from the backend built into qheat, which pays nobody. Real money \
needs an operator's backend.
"""


async def hangs(api: Api) -> bool:
    """Say whether an earlier run has hung up the dashboard: all else was there then."""
    known = {dashboard["url_path"] for dashboard in await api.command("lovelace/dashboards/list")}
    return URL_PATH in known


async def hang_up(api: Api, plan: Plan) -> None:
    """Make the dashboard and the energy page; start with the dashboard."""
    await api.command(
        "lovelace/dashboards/create",
        url_path=URL_PATH,
        title=TITLE,
        icon="mdi:radiator",
        mode="storage",
        require_admin=False,
        show_in_sidebar=True,
    )
    await api.command("lovelace/config/save", url_path=URL_PATH, config={"views": [_view(plan)]})
    await api.command("frontend/set_system_data", key="core", value={"default_panel": URL_PATH})
    await api.act("qheat", "add_to_energy_dashboard")


def _view(plan: Plan) -> Card:
    home = plan.entities
    return {
        "title": TITLE,
        "path": "home",
        "type": "sections",
        "max_columns": 3,
        "header": {
            "layout": "center",
            "badges_position": "bottom",
            "card": {"type": "markdown", "text_only": True, "content": WELCOME},
        },
        "badges": [
            _badge(home["heat_output"], "Heat now", "mdi:radiator", "deep-orange"),
            _badge(home["jobs_running"], "Jobs running", "mdi:chip", "blue"),
            _badge(home["heat"], "Heat so far", "mdi:fire", "orange"),
            _badge(home["earnings"], "Earned", "mdi:cash-plus", "green"),
            _badge(home["savings"], "Saved", "mdi:piggy-bank", "green"),
        ],
        "sections": [
            *(_room(radiator) for radiator in plan.radiators),
            _findings(home),
            _totals(plan),
            _facts(),
        ],
    }


def _badge(entity_id: str, name: str, icon: str, color: str) -> Card:
    return {
        "type": "entity",
        "entity": entity_id,
        "name": name,
        "icon": icon,
        "color": color,
        "show_name": True,
    }


def _room(radiator: RadiatorPlan) -> Card:
    entities = radiator.entities
    return _section(
        _heading(radiator.room, "mdi:home-thermometer-outline", entities["status"]),
        {
            "type": "thermostat",
            "entity": radiator.thermostat,
            "name": radiator.room,
            "features": [{"type": "climate-preset-modes", "style": "dropdown"}],
        },
        _tile(entities["heat_output"], "Heat", "mdi:radiator", "deep-orange"),
        _tile(entities["jobs_running"], "Jobs", "mdi:chip", "blue"),
        _tile(entities["heat_kind"], "Kind of heat", "mdi:fire-circle", "orange"),
        _tile(
            entities["outdoor_temperature"], "Outside", "mdi:snowflake-thermometer", "light-blue"
        ),
        _graph({"entity": radiator.thermostat}),
    )


def _findings(home: Mapping[str, str]) -> Card:
    picture = home["picture"]
    is_painted = {"condition": "state", "entity": picture, "state_not": NOTHING_YET}
    found = [
        line.format(f"{{{{ states('{home[kind]}') | round(2, default='not yet') }}}}")
        for kind, line in FOUND.items()
    ]
    return _section(
        _heading("What the jobs found", "mdi:creation-outline"),
        {
            "type": "picture-entity",
            "entity": picture,
            "show_name": False,
            "show_state": False,
            "visibility": [is_painted],
        },
        {"type": "markdown", "content": "\n\n".join(found)},
    )


def _totals(plan: Plan) -> Card:
    home = plan.entities
    return _section(
        _heading("Money and energy", "mdi:cash-multiple"),
        _tile(home["earnings"], "Earned", "mdi:cash-plus", "green"),
        _tile(home["savings"], "Saved", "mdi:piggy-bank", "green"),
        _tile(home["heat"], "Heat", "mdi:fire", "orange"),
        _tile(home["free_heat"], "Free heat", "mdi:gift-outline", "teal"),
        _graph(
            *(
                {"entity": radiator.entities["heat_output"], "name": radiator.room}
                for radiator in plan.radiators
            )
        ),
    )


def _facts() -> Card:
    return _section(
        _heading("What is real here", "mdi:check-decagram-outline"),
        {"type": "markdown", "content": WHAT_IS_REAL},
    )


def _section(*cards: Card) -> Card:
    return {"type": "grid", "cards": list(cards)}


def _heading(text: str, icon: str, *badges: str) -> Card:
    return {
        "type": "heading",
        "heading": text,
        "heading_style": "title",
        "icon": icon,
        "badges": [{"type": "entity", "entity": entity_id} for entity_id in badges],
    }


def _tile(entity_id: str, name: str, icon: str, color: str) -> Card:
    return {"type": "tile", "entity": entity_id, "name": name, "icon": icon, "color": color}


def _graph(*entities: dict[str, str]) -> Card:
    return {
        "type": "history-graph",
        "entities": list(entities),
        "hours_to_show": GRAPH_H,
        "grid_options": {"columns": "full"},
    }
