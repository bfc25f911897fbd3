"""MLflow's pages in a real browser, as a user sees them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, sync_playwright

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium (Debian's package chromium)")

_TABLE = """() => {
  const heads = [...document.querySelectorAll('.ag-header-cell')];
  heads.sort((a, b) => a.getBoundingClientRect().left - b.getBoundingClientRect().left);
  const rows = {};
  for (const cell of document.querySelectorAll('.ag-row .ag-cell')) {
    const row = (rows[cell.closest('.ag-row').getAttribute('row-index')] ||= {});
    row[cell.getAttribute('col-id')] = cell.innerText.trim();
  }
  const numbers = Object.keys(rows).map(Number).sort((a, b) => a - b);
  return [heads.map(head => [head.getAttribute('col-id'), head.offsetWidth]), numbers.map(number => rows[number])];
}"""
_HEADER, _CARD = (f"[data-testid=experiment-view-compare-runs-{name}]" for name in ("section-header", "card"))
_DRAWN = """card => {
  const plot = card.querySelector('.js-plotly-plot');
  const axes = [...card.querySelectorAll('.parcoords .label')].map(each => each.textContent);
  if (axes.length) return ['parallel', axes];
  const shown = (plot?.data || []).filter(each => each.type !== 'contour' && (each.x || []).length);
  if (!shown.length) return null;
  if (plot.data.some(each => each.type === 'contour')) return ['contour', shown[0].x.length];
  const lines = new Set(shown.map(each => each.name)).size;
  return shown[0].mode.includes('lines') ? ['lines', lines] : ['points', shown[0].x.length];
}"""


class Drawn(NamedTuple):
    """A chart as it is on the page: how many points or lines; of parallel coordinates the names of the axes."""

    section: str
    title: str
    kind: str
    holds: Any


@contextmanager
def browsing(base: str, width: int, height: int) -> Iterator[Page]:
    """A window of that size, with the panel closed that MLflow opens at a first visit."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(120_000)
        page.goto(base)
        page.get_by_role("button", name="Close").last.click()
        yield page
        browser.close()


def visit(page: Page, url: str) -> None:
    """Open an address anew; one that differs behind its # alone would not be loaded."""
    page.goto("about:blank")
    page.goto(url)


def table(page: Page, rows: int) -> tuple[list[tuple[str, int]], list[dict[str, str]]]:
    """Columns from left to right with their widths in pixels, and the cells of each row by column, once there are so
    many rows."""
    page.get_by_text(f"{rows} matching run").wait_for()
    page.locator(f".ag-row[row-index='{rows - 1}']").first.wait_for(state="attached")
    heads, cells = page.evaluate(_TABLE)
    return [tuple(each) for each in heads], cells


def charts(page: Page) -> list[Drawn]:
    """All charts of the sections that are open, which are drawn once they can be seen."""
    page.locator(_CARD).first.wait_for(state="attached")
    return [each for section in page.locator("[class*=collapse-item-active]").all() for each in _of_section(section)]


def _of_section(section: Locator) -> Iterator[Drawn]:
    header = section.locator(_HEADER)
    header.scroll_into_view_if_needed()
    title, count = re.match(r"(.*)\((\d+)\)", header.text_content() or "").groups()  # type: ignore[union-attr]
    for index in range(int(count)):
        card = section.locator(_CARD).nth(index)
        if not card.count():  # what is below is made once what is above it has been seen
            section.locator(_CARD).nth(index - 1).evaluate("card => card.scrollIntoView({block: 'start'})")
        card.wait_for(state="attached")
        card.scroll_into_view_if_needed()
        kind, holds = card.page.wait_for_function(_DRAWN, arg=card.element_handle()).json_value()
        yield Drawn(title, card.inner_text().split("\n")[0], kind, holds)


def comparison(base: str, experiment: str, runs: list[str]) -> str:
    """The address at which runs are compared."""
    return f"{base}/#/compare-runs?runs={quote(json.dumps(runs))}&experiments={quote(json.dumps([experiment]))}"
