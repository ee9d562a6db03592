"""A month's statement comes out of a real browser's printer whole: A4, no column cut off."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, date
from decimal import Decimal
from io import BytesIO
from typing import Final

import pypdfium2
import pytest
from playwright.async_api import Page

from custom_components.qheat.compute.engine import HeatKind
from custom_components.qheat.ledger import (
    History,
    Ledger,
    Statement,
    make_statement,
    statement_page,
)
from scripts.demo_home.browser import blank_page

from ..ledger_data import OFFICE, TARIFF, absorb, heat, hour, page, settlement

A4_LANDSCAPE_PT: Final = (842, 595)
MARGIN_PT: Final = 25
NAMES: Final = {OFFICE: "The office at the far end, by the garden", "bedroom": "Bedroom"}
LAST_WORDS: Final = {"en": "SHA-256 of the table (CSV):", "fr": "SHA-256 du tableau (CSV)"}
HEADS: Final = {"en": ("Day", "Refused", "Sum"), "fr": ("Jour", "Refusées", "Somme")}

BROKEN_HEADS: Final = """
[...document.querySelectorAll("th")].filter(head => {
  const range = document.createRange();
  return [...head.textContent.matchAll(/\\S+/g)].some(word => {
    range.setStart(head.firstChild, word.index);
    range.setEnd(head.firstChild, word.index + word[0].length);
    return range.getClientRects().length > 1;
  });
}).map(head => head.textContent)
"""


@pytest.fixture(scope="module")
def october() -> Statement:
    """Return the statement of a month, two radiators and a job an hour, dear enough for width."""
    ledger, history = Ledger("EUR"), History("EUR")
    for number in range(24 * 31):
        for radiator_id, kind in ((OFFICE, HeatKind.PAID), ("bedroom", HeatKind.OWN)):
            heat(
                ledger, hour(number) + 100, 1e6 - number, TARIFF, kind=kind, radiator_id=radiator_id
            )
        told = settlement(
            f"5f1c9a3e-7700-4b0d-9c55-{number:012d}",
            earned=Decimal("98.7654"),
            repaid=Decimal("123.4567"),
            settled_at=float(hour(number)),
        )
        ledger.book(OFFICE, page(told), hour(number) + 10)
        absorb(history, ledger, UTC)
    return make_statement(
        history,
        first=date(2026, 9, 21),
        last=date(2026, 10, 21),
        home="Résidence des Lilas",
        names=NAMES,
        foreign=(settlement("paid-in-dollars", currency="USD"),),
        time_zone=UTC,
    )


@pytest.fixture
async def browser() -> AsyncIterator[Page]:
    """Return a page of a real browser, with nothing on it."""
    async with blank_page() as made:
        yield made


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_a_months_statement_prints_whole_on_a4(
    browser: Page, october: Statement, language: str
) -> None:
    await browser.set_content(statement_page(october, language))
    pdf = pypdfium2.PdfDocument(BytesIO(await browser.pdf(prefer_css_page_size=True)))
    sheets = [sheet.get_textpage() for sheet in pdf]
    texts = [sheet.get_text_range() for sheet in sheets]
    assert len(sheets) < 15
    first, last, total = HEADS[language]
    for number, (sheet, text) in enumerate(zip(sheets, texts, strict=True), start=1):
        assert [round(side) for side in pdf[number - 1].get_size()] == list(A4_LANDSCAPE_PT)
        assert f"{number} / {len(sheets)}" in text
        for at in range(sheet.count_chars()):
            left, _, right, _ = sheet.get_charbox(at)
            assert MARGIN_PT < left <= right < A4_LANDSCAPE_PT[0] - MARGIN_PT
        # A page that goes on with days says again what its columns are.
        if re.search(r"(?m)^(\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}) (The office|Bedroom)", text):
            assert first in text
            assert last in text
    whole = "\n".join(texts)
    assert len(re.findall(rf"(?m)^{total}\b", whole)) == 3
    for row in october.data["rows"]:
        assert row["earned"].replace(".", "," if language == "fr" else ".") in whole
        assert all(one in whole for one in row["settlement_ids"])
    assert "paid-in-dollars" in whole
    assert LAST_WORDS[language] in texts[-1]
    assert october.csv_sha256 in texts[-1]


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_no_columns_head_is_broken_within_a_word_on_a_telephone(
    browser: Page, october: Statement, language: str
) -> None:
    await browser.set_viewport_size({"width": 390, "height": 844})
    await browser.set_content(statement_page(october, language))
    assert await browser.evaluate(BROKEN_HEADS) == []
