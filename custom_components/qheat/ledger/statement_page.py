"""A statement as a page to print: one HTML file that needs nothing else, and fits on A4."""

from collections.abc import Iterable, Mapping
from datetime import date
from html import escape
from typing import Any, Final

from .statement import Statement
from .statement_texts import ENGLISH, TEXTS

_MONEY: Final = (
    "electricity_cost",
    "reference_cost",
    "repaid",
    "earned",
    "savings",
    "net_heat_cost",
)
_COLUMNS: Final = ("heat_kwh", "free_heat_kwh", *_MONEY, "jobs", "refused")
_SOURCE_COLUMNS: Final = (
    "heat_kwh",
    "paid_heat_kwh",
    "filler_heat_kwh",
    "own_heat_kwh",
    "idle_heat_kwh",
    "measured_kwh",
    "rapl_kwh",
    "estimated_kwh",
    "unpriced_kwh",
)
_EXPLAINED: Final = ("free_heat_kwh", "savings", "net_heat_cost", "rapl_kwh", "unpriced_kwh")

_STYLE: Final = (
    "body{font:9pt/1.35 sans-serif;margin:2em}h1{font-size:15pt}h2{font-size:11pt}"
    "h1,h2{break-after:avoid}table{border-collapse:collapse;width:100%}"
    "tr{break-inside:avoid}th{vertical-align:bottom}"
    "th,td{border-bottom:1px solid #999;padding:.2em .4em;text-align:right}td{white-space:nowrap}"
    "th.text,td.text{text-align:left}td.text{white-space:normal;overflow-wrap:anywhere}"
    "td:first-child{white-space:nowrap}tr.sum{font-weight:bold}"
    "p,dd,code{overflow-wrap:anywhere}code{display:inline-block;max-width:100%}"
    "dt{font-weight:bold}dd{margin:0 0 .3em}"
    "@page{size:A4 landscape;margin:12mm 10mm 14mm;"
    '@bottom-right{content:counter(page) " / " counter(pages);font:8pt sans-serif}}'
    "@media print{body{margin:0}}"
)


def statement_page(statement: Statement, language: str) -> str:
    """Return a statement as an HTML page in `language` (English for one that we do not have)."""
    return _Page(statement, language if language in TEXTS else ENGLISH).html()


class _Page:
    def __init__(self, statement: Statement, language: str) -> None:
        self._statement = statement
        self._data = statement.data
        self._language = language
        self._texts = TEXTS[language]
        self._names = {one["id"]: one["name"] for one in self._data["radiators"]}

    def html(self) -> str:
        data, texts = self._data, self._texts
        title = f"{escape(texts['title'])} · {escape(data['home'])}"
        first, last = self._day(data["first"]), self._day(data["last"])
        json_hash, csv_hash = self._statement.sha256, self._statement.csv_sha256
        return (
            f'<!DOCTYPE html>\n<html lang="{self._language}">\n'
            f'<head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>\n'
            f"<body>\n<h1>{title}</h1>\n"
            f"<p>{first} … {last} ({escape(data['time_zone'])}) · "
            f"{escape(texts['money'])} {data['currency']}</p>\n"
            f"{self._play_money()}"
            f"<h2>{escape(texts['by_radiator'])}</h2>\n{self._radiators(_COLUMNS)}\n"
            f"<h2>{escape(texts['sources'])}</h2>\n{self._radiators(_SOURCE_COLUMNS)}\n"
            f"{self._foreign()}"
            f"<h2>{escape(texts['by_day'])}</h2>\n{self._days()}\n"
            f"{self._settlements()}"
            f"<h2>{escape(texts['explained'])}</h2>\n{self._explained()}\n"
            f"<p>{escape(texts['sha256'])}{texts['colon']} {json_hash}<br>\n"
            f"{escape(texts['csv_sha256'])}{texts['colon']} {csv_hash}</p>\n</body>\n</html>\n"
        )

    def _play_money(self) -> str:
        if not self._data["play_money"]:
            return ""
        return f"<p><strong>{escape(self._texts['play_money'])}</strong></p>\n"

    def _days(self) -> str:
        heads = (self._texts["day"], self._texts["radiator"])
        rows = [
            ((self._day(row["day"]), self._names[row["radiator"]]), row)
            for row in self._data["rows"]
        ]
        return self._table(_COLUMNS, heads, rows, (self._texts["sum"], ""))

    def _radiators(self, columns: tuple[str, ...]) -> str:
        rows = [((one["name"],), one["sums"]) for one in self._data["radiators"]]
        return self._table(columns, (self._texts["radiator"],), rows, (self._texts["sum"],))

    def _table(
        self,
        columns: tuple[str, ...],
        heads: tuple[str, ...],
        rows: Iterable[tuple[tuple[str, ...], Mapping[str, Any]]],
        sums: tuple[str, ...],
    ) -> str:
        """Return rows and their sum; a head comes again on each page, the sum does not."""
        body = "\n".join(
            _tr("td", texts, [self._number(row[name]) for name in columns]) for texts, row in rows
        )
        total = [self._number(self._data["sums"][name]) for name in columns]
        return (
            f"<table>\n<thead>{_tr('th', heads, [self._texts[name] for name in columns])}</thead>\n"
            f"<tbody>\n{body}\n{_tr('td', sums, total, kind='sum')}\n</tbody>\n</table>"
        )

    def _foreign(self) -> str:
        return self._list(
            "foreign",
            (
                self._line(one, " · ".join((_code(one["settlement_id"]), *self._amounts(one))))
                for one in self._data["foreign"]
            ),
        )

    def _amounts(self, foreign: Mapping[str, str]) -> Iterable[str]:
        for name in ("earned", "repaid"):
            amount = self._number(foreign[name])
            yield f"{escape(self._texts[name])} {amount} {foreign['currency']}"

    def _settlements(self) -> str:
        return self._list(
            "settlements",
            (
                self._line(row, " ".join(_code(one) for one in row["settlement_ids"]))
                for row in self._data["rows"]
                if row["settlement_ids"]
            ),
        )

    def _list(self, title: str, lines: Iterable[str]) -> str:
        """Return lines under a title, or nothing where there is none."""
        html = "\n".join(lines)
        return f"<h2>{escape(self._texts[title])}</h2>\n{html}\n" if html else ""

    def _line(self, at: Mapping[str, str], html: str) -> str:
        head = f"{self._day(at['day'])} · {escape(self._names[at['radiator']])}"
        return f"<p>{head}{self._texts['colon']} {html}</p>"

    def _explained(self) -> str:
        terms = "\n".join(
            f"<dt>{escape(self._texts[name])}</dt><dd>{escape(self._texts[f'{name}_is'])}</dd>"
            for name in _EXPLAINED
        )
        return f"<dl>\n{terms}\n</dl>"

    def _number(self, value: object) -> str:
        return str(value).replace(".", self._texts["point"])

    def _day(self, day: str) -> str:
        return date.fromisoformat(day).strftime(self._texts["date"])


def _code(settlement_id: str) -> str:
    return f"<code>{escape(settlement_id)}</code>"


def _tr(tag: str, texts: Iterable[str], figures: Iterable[str], *, kind: str = "") -> str:
    cells = "".join(
        (
            *(f'<{tag} class="text">{escape(text)}</{tag}>' for text in texts),
            *(f"<{tag}>{escape(figure)}</{tag}>" for figure in figures),
        )
    )
    return f'<tr class="{kind}">{cells}</tr>' if kind else f"<tr>{cells}</tr>"
