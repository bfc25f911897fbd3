"""MLflow's pages in a real browser, as a user sees them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, sync_playwright

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
_ORDER = f"""() => [...document.querySelectorAll('{_HEADER}, {_CARD}')].map(
  each => each.matches('{_CARD}') ? '' : each.textContent)"""
_DRAWN = """card => {
  const plot = card.querySelector('.js-plotly-plot');
  const axes = [...card.querySelectorAll('.parcoords .label')].map(each => each.textContent);
  if (axes.length) return ['parallel', axes];
  const shown = (plot?.data || []).filter(each => each.type !== 'contour' && (each.x || []).length);
  if (!shown.length) return null;
  if (plot.data.some(each => each.type === 'contour')) return ['contour', shown[0].x.length];
  return shown[0].mode.includes('lines') ? ['lines', shown.length] : ['points', shown[0].x.length];
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
    """All charts of the sections that are open."""
    page.locator(_CARD).first.wait_for(state="attached")
    found, section, number = [], "", 0
    for each in page.evaluate(_ORDER):
        if each:
            section = each.rpartition(" (")[0]
            continue
        card = page.locator(_CARD).nth(number)
        number += 1
        card.scroll_into_view_if_needed()
        kind, holds = _until_drawn(page, card)
        found.append(Drawn(section, card.inner_text().split("\n")[0], kind, holds))
    return found


def _until_drawn(page: Page, card: Any) -> Any:
    return page.wait_for_function(_DRAWN, arg=card.element_handle()).json_value()


def comparison(base: str, experiment: str, runs: list[str]) -> str:
    """The address at which runs are compared."""
    return f"{base}/#/compare-runs?runs={quote(json.dumps(runs))}&experiments={quote(json.dumps([experiment]))}"
