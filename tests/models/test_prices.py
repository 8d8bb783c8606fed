from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.models.prices import Price, PriceTable, load_prices
from pilotfish.models.spec import ModelSpec

LOCAL = ModelSpec(id="small", engine="llamacpp", source="x", revision="1", locality="local")
REMOTE = ModelSpec(
    id="big", engine="openai", source="x", revision="1", locality="remote", price_in=1.0, price_out=2.0
)
HOUR_MS = 3_600_000.0


def table(tmp_path: Path, text: str) -> PriceTable:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    return load_prices(path)


def test_without_a_table_a_model_costs_what_its_spec_says() -> None:
    assert PriceTable().cost(REMOTE, 1_000_000, 500_000, 10.0) == 2.0
    assert PriceTable().cost(LOCAL, 1_000_000, 500_000, HOUR_MS) == 0.0


def test_the_table_beats_the_spec_and_the_first_pattern_counts(tmp_path: Path) -> None:
    prices = table(
        tmp_path,
        'version = "7"\n[models."big"]\ninput = 3\noutput = 5\n[models."b*"]\ninput = 100\noutput = 100\n',
    )
    assert prices.version == "7"
    assert prices.cost(REMOTE, 1_000_000, 1_000_000, 0.0) == 8.0


def test_local_work_costs_by_the_hour_over_the_calls_at_once(tmp_path: Path) -> None:
    by_hour = table(tmp_path, 'version = "1"\n[local]\nusd_per_hour = 2.0\ncalls_at_once = 4\n')
    assert by_hour.cost(LOCAL, 10, 10, HOUR_MS) == 0.5
    assert by_hour.cost(REMOTE, 0, 0, HOUR_MS) == 0.0, "another's machine is paid by the token"


def test_local_work_costs_by_its_energy(tmp_path: Path) -> None:
    by_energy = table(tmp_path, 'version = "1"\n[local]\nwatts = 500\nusd_per_kwh = 0.30\n')
    assert by_energy.cost(LOCAL, 0, 0, HOUR_MS) == pytest.approx(0.15)


def test_a_local_model_with_a_price_is_paid_by_the_token_only(tmp_path: Path) -> None:
    both = table(
        tmp_path, 'version = "1"\n[models."small"]\ninput = 1\noutput = 1\n[local]\nusd_per_hour = 9\n'
    )
    assert both.cost(LOCAL, 1_000_000, 0, HOUR_MS) == 1.0


tokens = st.integers(0, 10**9)


@given(tokens, tokens, tokens, tokens)
def test_costs_add_up(a: int, b: int, c: int, d: int) -> None:
    prices = PriceTable(version="1", models={"*": Price(input=0.15, output=0.6)})
    parts = prices.cost(REMOTE, a, b, 0.0) + prices.cost(REMOTE, c, d, 0.0)
    assert prices.cost(REMOTE, a + c, b + d, 0.0) == pytest.approx(parts)
    assert parts >= 0


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "'version' is missing; add version = "),
        ('vershun = "1"', "'vershun' is not known; the nearest is 'version'"),
        ('version = "1"\n[models."m"]\ninput = 1\noutput = 1\nsorce = "x"', "sorce.*nearest is 'source'"),
        ('version = "1"\n[local]\nwats = 5\nusd_per_hour = 1', "local.wats.*nearest is 'watts'"),
        ('version = "1"\n[local] ', "'local': give either"),
        ('version = ""', "version"),
        ('version = "1"\nmodel = 3', "model"),
        ('version = "1"\n[models."m"]\ninput = 1', r"models\.m\.output"),
        ('version = "1"\n[models."m"]\ninput = -1\noutput = 1', r"models\.m\.input"),
        ('version = "1"\n[local]', "usd_per_hour"),
        ('version = "1"\n[local]\nwatts = 5', "usd_per_kwh"),
        ('version = "1"\n[local]\nusd_per_hour = 1\nwatts = 5\nusd_per_kwh = 1', "either"),
        ('version = "1"\n[local]\nusd_per_hour = 1\ncalls_at_once = 0', "calls_at_once"),
        ("version = ", "not TOML"),
    ],
)
def test_a_table_that_will_not_do_names_the_entry(tmp_path: Path, text: str, names: str) -> None:
    with pytest.raises(UsageError, match=rf"prices\.toml.*{names}"):
        table(tmp_path, text)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml"):
        load_prices(tmp_path / "none.toml")
