from __future__ import annotations

from datetime import date

import pytest

from pilotfish.demos.voyage_checks import departure
from pilotfish.demos.voyage_query import VoyageQuery

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("ready", "arrive_by", "leaves"),
    [
        (None, None, TODAY),
        (None, date(2026, 11, 1), TODAY),
        (date(2026, 12, 1), None, date(2026, 12, 1)),
        (date(2026, 10, 1), None, TODAY),
        (date(2026, 10, 1), date(2026, 12, 24), TODAY),
        (date(2026, 3, 1), date(2026, 4, 15), date(2026, 3, 1)),
    ],
)
def test_nothing_leaves_before_today_unless_all_of_it_is_past(
    ready: date | None, arrive_by: date | None, leaves: date
) -> None:
    query = VoyageQuery(origin="CNSHA", destination="NLRTM", ready=ready, arrive_by=arrive_by)
    assert departure(query, TODAY) == leaves
