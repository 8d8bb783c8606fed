from __future__ import annotations

import re

import numpy as np
import pytest

from pilotfish.lab.plot_labels import Label, place_labels
from pilotfish.lab.plots import (
    ROLES,
    Bins,
    Drawing,
    Line,
    Point,
    Scores,
    draw_cost_quality,
    draw_gains,
    draw_ranking,
    draw_reliability,
    draw_scores,
    looks_of,
    pareto,
)

HOSTILE = ["_hidden", "$x_1$", "<b>&", "two\nlines\x00", "漢字", "long " * 30]


def point(name: str, x: float, y: float, role: str = "policy") -> Point:
    return Point(name=name, x=x, y=y, low=y - 1, high=y + 1, role=role)  # type: ignore[arg-type]


def bins(name: str) -> Bins:
    tenths = np.arange(1.0, 11.0)
    return Bins(name=name, predicted=tenths, observed=tenths, low=tenths - 1, high=tenths + 1)


def scores(name: str, threshold: float | None = None) -> Scores:
    return Scores(name=name, small=np.array([0.1, 0.2]), large=np.array([0.8]), threshold=threshold)


def drawings(names: list[str]) -> list[Drawing]:
    points = [point(name, 10.0 * place, 50.0 + place) for place, name in enumerate(names)]
    points += [point("always-small", 0, 40, "baseline"), point("oracle", 20, 90, "bound")]
    lines = [Line(name=names[0], x=np.array([0.0, 100.0]), y=np.array([40.0, 60.0]))]
    several = [bins(name) for name in names]
    return [
        draw_cost_quality(points, lines, policies=names, random=[(0, 40), (100, 60)], x_label="large calls"),
        draw_ranking(points, policies=names),
        draw_gains(several, policies=names, y_label="gain"),
        draw_reliability(several, policies=names, x_label="predicted", y_label="observed"),
        draw_scores([scores(name, 0.5) for name in names], small="small", large="large"),
    ]


def test_every_plot_is_a_bare_svg_and_a_png() -> None:
    for drawing in drawings(["learned", "knn"]):
        assert drawing.svg.startswith("<svg viewBox=")
        assert drawing.svg.endswith("</svg>")
        assert not re.search(r"https?:|xmlns|<style|<metadata|<image|<script|href=\"(?!#)", drawing.svg)
        assert drawing.png.startswith(b"\x89PNG")


def test_identifiers_of_two_plots_on_a_page_do_not_meet() -> None:
    found = [set(re.findall(r'id="([^"]+)"', drawing.svg)) for drawing in drawings(["a"])]
    assert all(not one & other for place, one in enumerate(found) for other in found[place + 1 :])


def test_references_lead_to_what_is_there() -> None:
    for drawing in drawings(["a", "b"]):
        wanted = set(re.findall(r'(?:href="#|url\(#)([^")]+)', drawing.svg))
        assert wanted <= set(re.findall(r'id="([^"]+)"', drawing.svg))


def test_every_colour_has_a_role_on_the_page() -> None:
    for drawing in drawings(list("abcdefg")):
        assert set(re.findall(r"#[0-9a-f]{6}\b", drawing.svg)) <= set(ROLES)


def test_hostile_names_are_shown_and_not_obeyed() -> None:
    for drawing in drawings(HOSTILE):
        assert "<b>" not in drawing.svg
        assert "\x00" not in drawing.svg
    cost_quality, *_ = drawings(HOSTILE)
    assert "$x_1$" in cost_quality.svg
    assert "_hidden" in cost_quality.svg
    assert "long " * 30 not in cost_quality.svg


def test_the_same_figures_give_the_same_plot() -> None:
    one, other = drawings(["a"]), drawings(["a"])
    assert [drawing.svg for drawing in one] == [drawing.svg for drawing in other]
    assert [drawing.png for drawing in one] == [drawing.png for drawing in other]


def test_no_figure_stays_open_and_no_setting_stays_changed() -> None:
    import matplotlib as mpl

    before = mpl.rcParams["font.size"]
    drawings(["a"])
    assert mpl.rcParams["font.size"] == before


def test_the_front_holds_what_nothing_beats() -> None:
    points = [
        point("a", 0, 50),
        point("b", 10, 60),
        point("worse", 12, 55),
        point("dear", 20, 60),
        point("c", 30, 61),
    ]
    assert [each.name for each in pareto(points)] == ["a", "b", "c"]


def test_a_policy_looks_the_same_in_every_plot_and_unlike_the_others() -> None:
    names = [f"policy {number}" for number in range(12)]
    looks = looks_of(names)
    assert len(set(looks.values())) == 12
    assert looks_of(names[:3]) == {name: looks[name] for name in names[:3]}


@pytest.mark.parametrize("crowd", [1, 8, 14])
def test_labels_hide_neither_one_another_nor_leave_the_plot(crowd: int) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.1, 0.1, 0.85, 0.85))
    rng = np.random.default_rng(crowd)
    places = np.column_stack((rng.uniform(30, 60, crowd), rng.uniform(70, 76, crowd)))
    axes.plot(*places.T, "o")
    axes.set_xlim(0, 100)
    axes.set_ylim(60, 90)
    labels = [
        Label(text=f"policy-{n}", x=x, y=y, colour="#000000", bold=n < 3) for n, (x, y) in enumerate(places)
    ]
    boxes = place_labels(axes, labels)
    frame = axes.get_window_extent()
    for place, one in enumerate(boxes):
        assert frame.x0 <= one[0]
        assert one[2] <= frame.x1
        for other in boxes[place + 1 :]:
            assert one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]
