"""The answer of a report in a few sentences: which policy, what it gains over what, and whether that is certain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .paired import Difference
from .report import Summary, contenders, line_of, merit, standard_of, winner_of
from .report_pairs import quality_difference, ranking_difference
from .report_words import more_or_fewer, number, percent, points_range, quoted

if TYPE_CHECKING:
    from .replay import Replay


def answer_of(results: Mapping[str, Any], replay: Replay | None) -> tuple[str, ...]:
    """Paragraphs; without the per-prompt scores nothing is said about certainty."""
    summary: Sequence[Summary] = results["summary"]
    winner = winner_of(results)
    if winner is None:
        return ("No policy was asked about; the table shows what simple baselines reach.",)
    if replay is None:
        return (
            _thin(winner, summary),
            "Whether the differences are certain needs the scores per prompt, which the "
            "results read do not hold; run `pilotfish lab report TABLE` for that.",
        )
    chance = quality_difference(replay, winner["policy"], f"random@{winner['policy']}")
    length = _length_difference(winner, summary, replay)
    found = (
        _headline(winner, summary, chance, length),
        _gains(winner, summary, replay, chance, length),
        _others(winner, results, replay),
    )
    return tuple(filter(None, found))


def _headline(
    winner: Summary, summary: Sequence[Summary], chance: Difference | None, length: Difference | None
) -> str:
    name, number_of = quoted(winner["policy"]), len(contenders(summary))
    if chance is not None and chance.certain and chance.mean < 0:
        who = name if number_of == 1 else f"Even the best of the {number_of} policies, {name},"
        return f"{who} certainly chooses worse than chance at the same shares on this data."
    if not _above(chance):
        if number_of == 1:
            return f"{name} does not certainly choose better than chance at the same shares on this data."
        return (
            f"None of the {number_of} policies, {name} the best of them, certainly chooses better than chance at the "
            "same shares on this data."
        )
    lead = (
        f"{name} pays on this data" if number_of == 1 else f"Of the {number_of} policies {name} is the best"
    )
    if length is None:
        return f"{lead}, and certainly better than chance."
    if _above(length):
        return f"{lead}, and certainly better than chance and than prompt length."
    return f"{lead} and certainly better than chance, but not certainly better than prompt length alone."


def _above(found: Difference | None) -> bool:
    return found is not None and found.certain and found.mean > 0


def _gains(
    winner: Summary,
    summary: Sequence[Summary],
    replay: Replay,
    chance: Difference | None,
    length: Difference | None,
) -> str:
    share = f"{percent(winner['large_share'])} % of the calls going to the large model"
    sentences = [f"It is right on {percent(winner['quality'])} % of the prompts, with {share}."]
    if chance is not None:
        sentences.append(f"That is {_more(chance)} than the same shares dealt out by chance {_sure(chance)},")
        sentences.append(_against_fixed(winner, summary, replay))
    sentences.append(_against_length(winner, summary, length))
    oracle = line_of(summary, "oracle")
    if oracle is not None:
        sentences.append(f"An oracle would be right on {percent(oracle['quality'])} %.")
    return " ".join(filter(None, sentences))


def _against_fixed(winner: Summary, summary: Sequence[Summary], replay: Replay) -> str:
    fixed = line_of(summary, "best-fixed")
    found = quality_difference(replay, winner["policy"], "best-fixed")
    if fixed is None or found is None:
        return ""
    price = more_or_fewer(winner["cost"] - fixed["cost"], winner["cost_unit"])
    return (
        f"and {_more(found)} {_sure(found)} than the best single model, {fixed['version']} with "
        f"{percent(fixed['quality'])} %, at {price}."
    )


def _length_difference(winner: Summary, summary: Sequence[Summary], replay: Replay) -> Difference | None:
    """Over prompt length: in APGR where both have one, else in quality."""
    length = line_of(summary, "prompt-length")
    if length and winner["apgr"] is not None and length["apgr"] is not None:
        return ranking_difference(replay, winner["policy"], "prompt-length")
    return quality_difference(replay, winner["policy"], "prompt-length")


def _against_length(winner: Summary, summary: Sequence[Summary], found: Difference | None) -> str:
    length = line_of(summary, "prompt-length")
    if found is None or length is None:
        return ""
    if winner["apgr"] is None or length["apgr"] is None:
        return f"Against sending the longer half to the large model it gets {_more(found)} {_sure(found)}."
    side = "above" if found.mean > 0 else "below"
    return (
        f"Over all shares of large calls its APGR is {number(winner['apgr'])}, where chance has 0.5 and prompt length "
        f"{number(length['apgr'])}: {number(abs(found.mean))} {side} prompt length "
        f"({_ends(found, True)}, {_certainty(found)})."
    )


def _others(winner: Summary, results: Mapping[str, Any], replay: Replay) -> str:
    others = [line for line in contenders(results["summary"]) if line["policy"] != winner["policy"]]
    if not others:
        return ""
    standard = standard_of(results)
    second = max(others, key=lambda line: merit(line, standard))
    picked = f"It was picked as the best of {len(others) + 1} on the rows it is judged by, which flatters it a little."
    by_apgr = standard == "apgr"
    if standard == "gain" or (by_apgr and second["apgr"] is None):
        return picked
    found = (ranking_difference if by_apgr else quality_difference)(
        replay, winner["policy"], second["policy"]
    )
    if found is None:
        return picked
    return (
        f"Its lead over the next, {quoted(second['policy'])}, is {_size(found, by_apgr)} ({_ends(found, by_apgr)}): "
        f"{'certain' if found.certain else 'the data cannot tell the two apart'}. {picked}"
    )


def _thin(winner: Summary, summary: Sequence[Summary]) -> str:
    fixed, length = line_of(summary, "best-fixed"), line_of(summary, "prompt-length")
    found = [
        f"{quoted(winner['policy'])} is the best of the policies: right on {percent(winner['quality'])} % of the "
        f"prompts with {percent(winner['large_share'])} % of the calls going to the large model, where the same shares "
        f"dealt out by chance reach {percent(winner['random_quality'])} %"
    ]
    if fixed is not None:
        found.append(f"the best single model ({fixed['version']}) {percent(fixed['quality'])} %")
    if length is not None and winner["apgr"] is not None and length["apgr"] is not None:
        found.append(f"APGR is {number(winner['apgr'])}, that of prompt length {number(length['apgr'])}")
    return "; ".join(found) + "."


def _more(found: Difference) -> str:
    size = f"{100 * abs(found.mean):.1f}"
    return "no different" if size == "0.0" else f"{size} points {'more' if found.mean > 0 else 'less'}"


def _sure(found: Difference) -> str:
    return f"({points_range(found.low, found.high)}, {_certainty(found)})"


def _certainty(found: Difference) -> str:
    return "certain" if found.certain else "not certain"


def _size(found: Difference, by_apgr: bool) -> str:
    return f"{number(found.mean)} of APGR" if by_apgr else f"{100 * found.mean:.1f} points"


def _ends(found: Difference, by_apgr: bool) -> str:
    return (
        f"95 % {number(found.low)} to {number(found.high)}"
        if by_apgr
        else points_range(found.low, found.high)
    )
