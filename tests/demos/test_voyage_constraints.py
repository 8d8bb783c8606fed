from __future__ import annotations

import json
from datetime import date

from pilotfish.demos.voyage_constraints import Constraints, read_constraints

SUEZ = """# Suez Canal

- Suez Canal maximum draft — 20.12 m, dated 2026-01-01, source SCA.
- Suez Canal status — open, dated 2026-11-16, source SCA.
- Suez Canal transit time — 18 hours, dated 2026-11-16, source SCA.
"""


def test_what_no_passage_states_is_missing() -> None:
    constraints = read_constraints([(SUEZ, "suez.md")])
    assert constraints.missing("suez") == ("toll_usd", "toll_usd_per_teu")
    assert constraints.missing("malacca") == ("status", "max_draft_m")
    assert constraints.value("suez", "toll_usd") == 0.0


def test_a_newer_notice_in_another_file_replaces_the_figure() -> None:
    notice = "Suez Canal maximum draft — 18.5 m, dated 2026-11-20, source SCA."
    constraints = read_constraints([(notice, "notice.md"), (SUEZ, "suez.md")])
    draft = constraints.draft_limit("suez")
    assert draft is not None
    assert (draft.value, draft.document) == (18.5, "notice.md")
    assert [each.value for each in constraints.superseded] == [20.12]


def test_a_notice_cannot_allow_more_than_the_locks() -> None:
    locks = "Panama Canal Neopanamax locks design draft — 15.24 m, dated 2016-06-26, source ACP."
    notice = "Panama Canal maximum authorised draft — {} m, dated 2026-11-02, source ACP."
    for value, allowed in ((13.4, 13.4), (16.0, 15.24)):
        draft = read_constraints([(locks, "a"), (notice.format(value), "b")]).draft_limit("panama")
        assert draft is not None
        assert draft.value == allowed


def test_areas_are_in_force_from_their_day() -> None:
    area = "Mediterranean Sea emission control area"
    text = f"{area} sulphur limit — 0.10 % from 2025-05-01, dated 2025-05-01, source IMO."
    constraints = read_constraints([(text, "eca.md")])
    assert constraints.areas_in_force(date(2025, 4, 30)) == ()
    assert constraints.areas_in_force(date(2025, 5, 1)) == ("mediterranean_sea",)


def test_survives_json() -> None:
    constraints = read_constraints([(SUEZ, "suez.md", "Suez Canal")])
    assert Constraints.from_json(json.loads(json.dumps(constraints.as_json()))).limits == constraints.limits
