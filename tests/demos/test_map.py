from __future__ import annotations

import builtins
import itertools
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.demos.map import PASSAGE_POINTS, draw_map, load_land
from pilotfish.demos.voyage import Voyage
from pilotfish.demos.voyage_geojson import as_geojson, split_line, write_geojson
from pilotfish.tools.sea_network import PASSAGES
from pilotfish.tools.sea_routes import sea_route

PORTS = {"Tokyo": (139.8, 35.6), "Los Angeles": (-118.3, 33.7)}


def voyage(
    origin: str = "JPTYO", destination: str = "USLAX", *, label: str = "direct", rejected: str | None = None
) -> Voyage:
    route = sea_route(origin, destination)
    return Voyage(
        label=label,
        passages=route.passages,
        distance_nm=route.distance_nm,
        speed_kn=15.0,
        days=14.0,
        waiting_days=0.0,
        eta=date(2026, 12, 15),
        vessel_class="post-panamax",
        fuel_t=700.0,
        areas=("north_american",),
        area_nm=700.0,
        transfer_teu=0.0,
        co2_t=2200.0,
        cost_usd={"total": 1.2e6},
        checks=(),
        coordinates=route.coordinates,
        rejected=rejected,
    )


def test_a_map_is_a_picture_of_some_size(tmp_path: Path) -> None:
    voyages = [voyage(), voyage("CNSHA", "NLRTM", label="Suez Canal", rejected="it is another voyage")]
    path = draw_map(
        voyages, tmp_path / "map.png", title="Tokyo to Los Angeles", ports=PORTS, avoided=["panama"]
    )
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert len(data) > 50_000


def test_the_same_voyages_give_the_same_picture(tmp_path: Path) -> None:
    first, second = (
        draw_map([voyage()], tmp_path / name, title="one", ports=PORTS).read_bytes()
        for name in ("a.png", "b.png")
    )
    assert first == second


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> ModuleType:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(UsageError, match=r"pilotfish\[plots\]"):
        draw_map([voyage()], tmp_path / "map.png", title="", ports={})


def test_nothing_to_draw_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no voyage"):
        draw_map([], tmp_path / "map.png", title="", ports={})


def test_the_land_has_the_continents_and_no_seam() -> None:
    outlines = load_land()
    assert len(outlines) > 100
    assert all(abs(b[0] - a[0]) < 180 for outline in outlines for a, b in itertools.pairwise(outline))
    assert set(PASSAGE_POINTS) == set(PASSAGES)


def test_geojson_is_cut_at_the_antimeridian(tmp_path: Path) -> None:
    found = as_geojson([voyage()], PORTS)
    line, *points = found["features"]
    assert line["geometry"]["type"] == "MultiLineString"
    west, east = line["geometry"]["coordinates"]
    assert west[-1][0] == 180
    assert east[0] == [-180, west[-1][1]]
    assert all(-180 <= lon <= 180 for piece in (west, east) for lon, _ in piece)
    assert line["properties"]["distance_nm"] > 4_000
    assert [point["properties"]["port"] for point in points] == list(PORTS)
    assert write_geojson([voyage()], tmp_path / "map.geojson", ports=PORTS).read_text().startswith("{")


steps = st.tuples(st.floats(-170, 170), st.floats(-80, 80))


@given(st.lists(steps, min_size=2, max_size=12), st.floats(-180, 180))
def test_the_pieces_of_a_line_stay_in_the_window_and_keep_its_ends(
    line: list[tuple[float, float]], centre: float
) -> None:
    walked = list(itertools.accumulate(line, lambda at, step: (at[0] + step[0], step[1])))
    pieces = split_line(walked, centre=centre)
    assert all(centre - 180 - 1e-6 <= lon <= centre + 180 + 1e-6 for piece in pieces for lon, _ in piece)
    for before, after in itertools.pairwise(pieces):
        assert abs(abs(before[-1][0] - after[0][0]) - 360) < 1e-6
        assert before[-1][1] == after[0][1]
