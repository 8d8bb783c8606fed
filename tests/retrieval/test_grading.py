from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.models.embedder import load_embedder
from pilotfish.retrieval.grading import SIGNALS, Grader, load_grader
from pilotfish.retrieval.store import HybridStore
from pilotfish.testing.embedder import FakeEmbedder

DOCUMENTS = {
    "suez.md": "# Suez Canal\nThe Suez Canal admits ships of up to 20.1 m draft. A transit takes about 14 hours.",
    "panama.md": "# Panama Canal\nThe larger locks admit ships of up to 15.24 m draft, the older ones 12.04 m.",
    "cape.md": "# Cape of Good Hope\nSailing round the Cape adds some 3,300 nautical miles between Asia and Europe.",
    "fuel.md": "# Fuel\nVery low sulphur fuel oil costs about 600 dollars a tonne. Slow steaming saves half.",
    "eca.md": "# Emission control areas\nIn the Baltic and the North Sea fuel may hold at most 0.10 % sulphur.",
    "laycan.md": "# Laycan\nThe laycan is the window in which the ship must present herself, or the charter lapses.",
    "piracy.md": "# Piracy\nIn the Gulf of Aden, ships sail in convoy and carry guards against boarding at night.",
    "reefer.md": "# Reefers\nRefrigerated containers keep fruit at 2 degrees and draw about 4 kilowatts each.",
    "rotterdam.md": "# Rotterdam\nThe Maasvlakte terminal berths vessels with a draft of 17 m at any tide.",
    "ice.md": "# Northern Sea Route\nThe route north of Russia opens from July to November behind an icebreaker.",
    "crew.md": "# Crew\nSeafarers rest at least ten hours in any day, in no more than two periods.",
    "demurrage.md": "# Demurrage\nWhoever holds a ship beyond the agreed laytime pays demurrage for each day.",
}
ANSWERABLE = [
    "What draft does the Suez Canal admit?",
    "How long does a transit of the Suez Canal take?",
    "What draft do the larger locks of the Panama Canal admit?",
    "How many nautical miles does sailing round the Cape add?",
    "What does very low sulphur fuel oil cost a tonne?",
    "How much sulphur may fuel hold in the Baltic?",
    "What happens if a ship misses her laycan?",
    "At which temperature do refrigerated containers keep fruit?",
    "When does the Northern Sea Route open?",
    "How many hours must seafarers rest in a day?",
]
ON_TOPIC = [
    "Who was the engineer that built the Suez Canal?",
    "What toll does the Panama Canal charge a container ship?",
    "How deep is the harbour of Singapore?",
    "Which company owns the most container ships?",
    "How much does a seafarer earn in a month?",
    "How many cranes does the port of Shanghai have?",
    "What is the top speed of an icebreaker?",
    "Who insures ships against piracy?",
    "How is ballast water treated on board?",
    "What does a new container vessel cost?",
]
OFF_TOPIC = [
    "How long do I bake a sponge cake?",
    "Which recipe makes the best chocolate frosting?",
    "Who won the football world cup in 1998?",
    "How do I prune an apple tree in winter?",
    "What is the capital of Mongolia?",
    "Which vitamins are in spinach?",
    "How do black holes evaporate?",
    "Who painted the ceiling of the Sistine Chapel?",
    "How do I reset a forgotten email password?",
    "What are the symptoms of measles?",
]

numbers = st.fixed_dictionaries({name: st.floats(0, 1) for name in SIGNALS})


@given(numbers)
def test_the_shipped_grades_follow_the_probability(signals: dict[str, float]) -> None:
    grader = load_grader()
    chance = grader.estimate(signals)
    expected = (
        "sufficient" if chance >= grader.sufficient else "partial" if chance >= grader.partial else "none"
    )
    assert grader.grade(signals) == expected


@given(numbers, st.sampled_from(SIGNALS))
def test_more_of_any_signal_never_lowers_the_shipped_grade(signals: dict[str, float], name: str) -> None:
    grader = load_grader()
    assert grader.estimate(signals | {name: 1.0}) >= grader.estimate(signals)


def test_extreme_signals_do_not_overflow() -> None:
    grader = Grader(
        weights=dict.fromkeys(SIGNALS, 1e6), intercept=0.0, sufficient=0.6, partial=0.2, version="test"
    )
    assert grader.grade(dict.fromkeys(SIGNALS, 1.0)) == "sufficient"
    assert grader.grade(dict.fromkeys(SIGNALS, -1.0)) == "none"


def test_nothing_in_common_is_no_evidence(tmp_path: Path) -> None:
    with write_store(tmp_path, FakeEmbedder(dimension=256)) as store:
        assert {hit.grade for hit in store.search("zyzzyva quokka")} == {"none"}


def write_store(tmp_path: Path, embedder: object) -> HybridStore:
    folder = tmp_path / "shipping"
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text)
    store = HybridStore.open(tmp_path / "store", embedder=embedder, create=True)  # type: ignore[arg-type]
    store.ingest(folder)
    return store


@pytest.fixture(scope="module")
def grades(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    embedder = load_embedder(home=weights)
    with write_store(tmp_path_factory.mktemp("grades"), embedder) as store:
        yield {query: store.search(query)[0].grade for query in [*ANSWERABLE, *ON_TOPIC, *OFF_TOPIC]}


@pytest.mark.weights
def test_a_dozen_documents_answer_what_they_hold(grades: dict[str, str]) -> None:
    assert all(grades[query] != "none" for query in ANSWERABLE)
    assert sum(grades[query] == "sufficient" for query in ANSWERABLE) >= 7


@pytest.mark.weights
def test_a_related_question_they_do_not_answer_is_seldom_sufficient(grades: dict[str, str]) -> None:
    assert sum(grades[query] == "sufficient" for query in ON_TOPIC) <= 1


@pytest.mark.weights
def test_foreign_questions_find_no_evidence(grades: dict[str, str]) -> None:
    assert {query for query in OFF_TOPIC if grades[query] != "none"} == set()
