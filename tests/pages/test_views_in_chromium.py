"""The prepared views of studies that were run for real, in MLflow's own pages."""

from __future__ import annotations

import pytest
from chromium import Drawn, browsing, charts, comparison, needs_chromium, table, visit
from studied import STUDIES, Pages

from sparsetune.base.messages import Trial

pytestmark = [pytest.mark.slow, needs_chromium, pytest.mark.timeout(900)]

COLUMNS = {
    "one": ["val_accuracy", "training.lr", "training.batch_size", "sparsetune.front", "sparsetune.state"],
    "two": [
        "val_accuracy", "compute_saved", "tracking_error", "method.kp", "method.ki",
        "sparsetune.front", "sparsetune.broken", "sparsetune.state",
    ],
    "forked": [
        "val_accuracy", "training.lr", "training.batch_size", "method.mc_samples",
        "sparsetune.front", "sparsetune.state",
    ],
    "chosen": [
        "val_accuracy", "compute_saved", "tracking_error", "method.name", "training.lr", "ast.kp",
        "sparsetune.front", "sparsetune.broken", "sparsetune.state",
    ],
}  # fmt: skip


def having(rows: list[Trial], *metrics: str) -> int:
    return sum(all(name in row.metrics for name in metrics) for row in rows)


@pytest.mark.parametrize("name", STUDIES)
def test_the_table_has_a_row_for_each_row_of_the_study_s_own(pages: Pages, name: str) -> None:
    rows = pages.rows(name)
    assert ("sparsetune.broken" in COLUMNS[name]) == any(not row.feasible for row in rows)
    with browsing(pages.base, 3000, 1200) as page:
        visit(page, pages.address(name))
        heads, cells = table(page, len(rows))
    names = [head.partition("`")[2].rstrip("`") for head, _ in heads if head.startswith(("metrics", "params", "tags"))]
    assert names == COLUMNS[name]
    assert all(width >= 100 for head, width in heads if "`" in head)
    shown = [float(cell["metrics.`val_accuracy`"].rstrip("…")) for cell in cells if cell["metrics.`val_accuracy`"]]
    assert shown == sorted(shown, reverse=True), "the best first"
    assert shown[0] == pytest.approx(max(row.metrics["val_accuracy"] for row in rows if row.metrics), rel=1e-5)
    called = [cell["attributes.`Run Name`"].split("\n")[-1] for cell in cells]  # after what is there for the colour
    assert sorted(int(each.split()[0][1:]) for each in called) == [row.number for row in rows]


def test_the_charts_of_one_objective(pages: Pages) -> None:
    with browsing(pages.base, 1500, 1300) as page:
        visit(page, pages.address("one", charts=True))
        found = charts(page)
    assert found == [
        Drawn("History", "trial vs. val_accuracy", "points", 12),
        Drawn("Parameters", "Parallel Coordinates", "parallel", found[1].holds),
        Drawn("What matters most", found[2].title, "contour", 12),
        Drawn("Learning curves", "val_accuracy", "lines", 12),
    ]
    assert len(found[1].holds) == 3
    assert sorted(found[2].title.split(" vs. ")) == ["training.batch_size", "training.lr", "val_accuracy"]


def test_the_charts_of_two_objectives(pages: Pages) -> None:
    rows = pages.rows("two")
    with browsing(pages.base, 1500, 1300) as page:
        visit(page, pages.address("two", charts=True))
        found = charts(page)
    both = having(rows, "val_accuracy", "compute_saved")
    assert both == 12
    assert [(each.section, each.kind) for each in found] == [
        ("Objectives", "points"),
        ("Parameters", "parallel"),
        ("What matters most", "contour"),
        ("Learning curves", "lines"),
        ("Learning curves", "lines"),
        *[("Method: ast", "lines")] * 4,
    ]
    assert {each.holds for each in found if each.kind != "parallel"} == {both}
    assert len(found[1].holds) == 4


def test_the_charts_of_replicates_with_a_fork(pages: Pages) -> None:
    rows = pages.rows("forked")
    assert len(rows) == 8
    with browsing(pages.base, 1500, 1300) as page:
        visit(page, pages.address("forked", charts=True))
        found = charts(page)
    assert [(each.section, each.kind) for each in found] == [
        ("History", "points"),
        ("Parameters", "parallel"),
        ("Learning curves", "lines"),
    ], "too few trials to know what matters"
    assert [found[0].holds, found[2].holds] == [8, 8], "replicates are not among them"
    assert len(pages.runs("forked", "replicate")) == 16


def test_the_charts_of_a_choice_of_methods(pages: Pages) -> None:
    rows = pages.rows("chosen")
    adaptive = sum(row.config["method"]["name"] == "ast" for row in rows)
    assert 0 < adaptive < len(rows)
    with browsing(pages.base, 1500, 1300) as page:
        visit(page, pages.address("chosen", charts=True))
        found = charts(page)
    sections = list(dict.fromkeys(each.section for each in found))
    assert sections[:4] == [
        "Objectives", "Parameters", "Parameters of ast",
        "Learning curves",
    ]  # fmt: skip
    assert found[0].holds == len(rows)
    assert {each.holds for each in found if each.section.startswith("Method: ")} == {adaptive}


def test_a_run_s_page_says_what_it_is_and_shows_a_figure(pages: Pages) -> None:
    best = next(run for run in pages.runs("two") if run.data.tags.get("sparsetune.best"))
    own = f"{pages.base}/#/experiments/{best.info.experiment_id}/runs/{best.info.run_id}"
    with browsing(pages.base, 1500, 1300) as page:
        visit(page, own)
        for words in ("The study asks for", "Train it again", "digits", "small.yaml", best.info.run_name):
            page.get_by_text(words).first.wait_for()
        visit(page, f"{own}/artifacts/curves.png")
        figure = page.locator("img[src*='curves.png'], img[src^='blob:'], img[alt='curves.png']").first
        figure.wait_for()
        assert figure.evaluate("image => image.complete && image.naturalWidth") > 300


def test_three_runs_are_compared(pages: Pages) -> None:
    runs = pages.runs("two")[:3]
    with browsing(pages.base, 1500, 1300) as page:
        visit(page, comparison(pages.base, runs[0].info.experiment_id, [run.info.run_id for run in runs]))
        for run in runs:
            page.get_by_text(run.info.run_name).first.wait_for()
        page.get_by_text("method.kp").first.wait_for()


def test_the_study_s_own_run_has_the_answer_and_its_front_as_a_table(pages: Pages) -> None:
    (parent,) = pages.runs("two", "study")
    own = f"{pages.base}/#/experiments/{parent.info.experiment_id}/runs/{parent.info.run_id}"
    with browsing(pages.base, 1500, 1300) as page:
        visit(page, own)
        page.get_by_text("Pareto front: the best trade-offs").first.wait_for()
        visit(page, f"{own}/artifacts/front.json")
        page.get_by_text("tracking_error").first.wait_for()
