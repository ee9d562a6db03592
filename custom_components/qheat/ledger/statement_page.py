"""A statement as a page to print: one HTML file that needs nothing else."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from .statement import Statement

_COLUMNS: Final = (
    "heat_kwh",
    "free_heat_kwh",
    "electricity_cost",
    "reference_cost",
    "repaid",
    "earned",
    "savings",
    "net_heat_cost",
    "jobs",
    "refused",
)

_ENGLISH: Final = {
    "title": "Heat statement",
    "day": "Day",
    "radiator": "Radiator",
    "heat_kwh": "Heat (kWh)",
    "free_heat_kwh": "Free heat (kWh)",
    "electricity_cost": "Electricity",
    "reference_cost": "Reference",
    "repaid": "Repaid",
    "earned": "Earned",
    "savings": "Savings",
    "net_heat_cost": "Net heat cost",
    "jobs": "Jobs",
    "refused": "Refused",
    "sum": "Sum",
    "settlements": "Settlements",
    "money": "All amounts in",
    "sha256": "SHA-256 of the data",
}
_FRENCH: Final = {
    "title": "Décompte de chaleur",
    "day": "Jour",
    "radiator": "Radiateur",
    "heat_kwh": "Chaleur (kWh)",
    "free_heat_kwh": "Chaleur gratuite (kWh)",
    "electricity_cost": "Électricité",
    "reference_cost": "Référence",
    "repaid": "Remboursé",
    "earned": "Gagné",
    "savings": "Économies",
    "net_heat_cost": "Coût net",
    "jobs": "Calculs",
    "refused": "Refusés",
    "sum": "Somme",
    "settlements": "Règlements",
    "money": "Tous les montants en",
    "sha256": "SHA-256 des données",
}
LABELS: Final = {"en": _ENGLISH, "fr": _FRENCH}

_STYLE: Final = (
    "body{font:10pt sans-serif;margin:2em}table{border-collapse:collapse;width:100%}"
    "th,td{border-bottom:1px solid #999;padding:.2em .5em;text-align:right}"
    "th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}"
    "tfoot{font-weight:bold}thead{display:table-header-group}"
    "p{overflow-wrap:anywhere}@page{size:A4 landscape;margin:1cm}"
)


def statement_page(statement: Statement, language: str) -> str:
    """Return a statement as an HTML page in `language` (English for one that we do not have)."""
    data = statement.data
    labels = LABELS.get(language, _ENGLISH)
    names = {one["id"]: one["name"] for one in data["radiators"]}
    rows = (_cells("td", row["day"], names[row["radiator"]], row) for row in data["rows"])
    title = f"{escape(labels['title'])} · {escape(data['home'])}"
    return (
        f'<!DOCTYPE html>\n<html lang="{"fr" if labels is _FRENCH else "en"}">\n'
        f'<head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>\n'
        f"<body>\n<h1>{title}</h1>\n"
        f"<p>{data['first']} … {data['last']} · {escape(labels['money'])} {data['currency']}</p>\n"
        f"<table>\n<thead>{_cells('th', labels['day'], labels['radiator'], labels)}</thead>\n"
        f"<tbody>\n{'\n'.join(rows)}\n</tbody>\n"
        f"<tfoot>{_cells('td', labels['sum'], '', data['sums'])}</tfoot>\n</table>\n"
        f"<h2>{escape(labels['settlements'])}</h2>\n{_settlements(data, names)}\n"
        f"<p>{escape(labels['sha256'])}: {statement.sha256}</p>\n</body>\n</html>\n"
    )


def _cells(tag: str, day: str, radiator: str, row: Mapping[str, Any]) -> str:
    texts = (day, radiator, *(str(row[name]) for name in _COLUMNS))
    return "<tr>" + "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts) + "</tr>"


def _settlements(data: Mapping[str, Any], names: Mapping[str, str]) -> str:
    return "\n".join(
        f"<p>{row['day']} · {escape(names[row['radiator']])}:"
        f" {escape(' '.join(row['settlement_ids']))}</p>"
        for row in data["rows"]
        if row["settlement_ids"]
    )
