"""Make every BOINC machine of a list a radiator, or what the list says of it now.

docs/operators.md says what the list looks like. The environment variable HASS_TOKEN has a
long-lived access token of an administrator.
"""

import argparse
import asyncio
import contextlib
import csv
import json
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Final

import aiohttp
from yarl import URL

from .demo_home.api import Api
from .demo_home.errors import DemoError, RefusedError

NEEDED: Final = ("name", "host", "password", "rated_w", "idle_w", "temperature_entity")
OPTIONAL: Final = ("port", "gpu_w", "power_entity", "schedule_entity", "area")
NUMBERS: Final = {"rated_w", "idle_w", "port", "gpu_w"}
TEXTS: Final = Path(__file__).parents[1] / "custom_components/qheat/translations/en.json"

type Row = Mapping[str, str]


class ListError(Exception):
    """The list cannot be read; nothing was sent."""


def main() -> int:
    """Read the list, then add and change; return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/add-boinc-machines", description=__doc__)
    parser.add_argument(
        "url", type=address, help="Home Assistant's address, such as http://homeassistant:8123"
    )
    parser.add_argument("list", type=Path, help="the CSV file")
    parser.add_argument("--home", help="which qheat home, if there are several")
    parser.add_argument("--folder", type=Path, default=Path(), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not (token := os.environ.get("HASS_TOKEN")):
        parser.error("HASS_TOKEN is not set")
    try:
        rows = read_list(options.folder / options.list)
        return asyncio.run(_go(options.url, token, rows, options.home))
    except (ListError, DemoError, OSError, aiohttp.ClientError) as err:
        sys.stderr.write(f"{err}\n")
        return 1


def address(text: str) -> str:
    """Return where Home Assistant is, whichever of its pages is named.

    Raises ArgumentTypeError.
    """
    with contextlib.suppress(ValueError):
        if (origin := URL(text).origin()).scheme in {"http", "https"}:
            return str(origin)
    raise argparse.ArgumentTypeError(f"no address that begins with http:// or https://: {text}")


async def _go(url: str, token: str, rows: list[Row], home: str | None) -> int:
    async with Api(url) as api:
        await api.enter(token)
        return 1 if await take_over(api, rows, home) else 0


def read_list(path: Path) -> list[Row]:
    """Return the rows of a CSV file, commas or semicolons between its cells.

    Raises ListError, which names the line, for all that cannot be sent as it is.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            return list(_rows(file.read()))
        except (csv.Error, UnicodeDecodeError) as err:
            raise ListError(f"{path} is no CSV file in UTF-8: {err}") from err


def _rows(text: str) -> Iterator[Row]:
    heading = text.partition("\n")[0]
    delimiter = max(",;", key=heading.count)
    reader = csv.DictReader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns = [column.strip() for column in reader.fieldnames or ()]
    if missing := [column for column in NEEDED if column not in columns]:
        raise ListError(f"these columns are missing: {', '.join(missing)}")
    if doubled := [column for column, count in Counter(columns).items() if count > 1]:
        raise ListError(f"these columns are there twice: {', '.join(doubled)}")
    reader.fieldnames = columns
    for column in columns:
        if column not in (*NEEDED, *OPTIONAL) and not is_project(column):
            raise ListError(f"{column!r} is neither a column that is known nor a project's address")
    names = set[str]()
    for cells in reader:
        where = f"line {reader.line_num}"
        if None in cells or None in cells.values():
            raise ListError(f"{where} has not as many cells as the first line")
        row = {column: cell.strip() for column, cell in cells.items() if cell.strip()}
        # An empty password leaves a radiator's as it is.
        if empty := [column for column in NEEDED if column not in row and column != "password"]:
            raise ListError(f"{where} has nothing for {', '.join(empty)}")
        if row["name"] in names:
            raise ListError(f"{where} has a name that was there before: {row['name']}")
        for column, cell in row.items():
            if (column in NUMBERS or is_project(column)) and not _is_number(cell):
                raise ListError(f"{where} has no number for {column}: {cell}")
        names.add(row["name"])
        yield row


def is_project(column: str) -> bool:
    """Tell whether a column has the rates of a project, whose address is its heading."""
    return column.startswith(("http://", "https://"))


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


async def take_over(api: Api, rows: list[Row], home: str | None) -> int:
    """Add or change what the rows say, in their order; return how many Home Assistant refused."""
    entry_id = await _home(api, home)
    listed = await api.command("config_entries/subentries/list", entry_id=entry_id)
    known = {one["title"]: one for one in listed}
    areas = {one["name"]: one["area_id"] for one in await api.command("config/area_registry/list")}
    refused = 0
    for row in rows:
        try:
            if (area := row.get("area")) and area not in areas:
                new = await api.command("config/area_registry/create", name=area)
                areas[area] = new["area_id"]
            done = await _take(api, entry_id, row, known.get(row["name"]), areas)
        except DemoError as err:
            done, refused = f"refused. {_explain(err)}", refused + 1
        sys.stdout.write(f"{row['name']}: {done}\n")
        sys.stdout.flush()
    return refused


async def _home(api: Api, title: str | None) -> str:
    homes = await api.command("config_entries/get", domain="qheat")
    found = [home for home in homes if title in (None, home["title"])]
    if len(found) != 1:
        names = ", ".join(home["title"] for home in homes)
        raise DemoError(f"choose one with --home: {names}" if homes else "add a qheat home first")
    return str(found[0]["entry_id"])


async def _take(
    api: Api, entry_id: str, row: Row, known: Mapping[str, Any] | None, areas: Mapping[str, str]
) -> str:
    """Add a machine, or change the radiator of its name; return what was done."""
    if known is not None and known["subentry_type"] != "boinc":
        raise DemoError("another radiator is called so")
    answers: dict[str, Any] = {
        column: row[column]
        for column in (*NEEDED, *OPTIONAL)
        if column in row and column not in ("temperature_entity", "area")
    }
    answers |= {"room": "sensor"}
    rates = [{"project": url, "rate": float(row[url])} for url in filter(is_project, row)]
    if rates:
        answers |= {"rates": rates}
    sensor = {"sensor": {"temperature_entity": row["temperature_entity"]}}
    handler = [entry_id, "boinc"]
    if known is None:
        if "area" in row:
            answers |= {"area": areas[row["area"]]}
        await api.walk("subentries/flow", handler, {"user": answers, **sensor})
        return "added"
    await api.walk(
        "subentries/flow",
        handler,
        {"reconfigure": answers, **sensor},
        subentry_id=known["subentry_id"],
    )
    return "as listed now"


def _explain(error: DemoError) -> str:
    if not isinstance(error, RefusedError):
        return str(error)
    texts = json.loads(TEXTS.read_text())["config_subentries"]["boinc"]["error"]
    return " ".join(f"{field}: {texts.get(key, key)}" for field, key in error.errors.items())


if __name__ == "__main__":
    sys.exit(main())
