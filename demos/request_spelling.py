"""Misspelt names of ports: the nearest names of the table, several when none is clearly nearest.

Nearness is the optimal string alignment distance (a swap of neighbours counts once), as a share of the length.
"""

from __future__ import annotations

from functools import cache

from .ports import load_gazetteer

_CUTOFF = 0.77
_TIE = 0.035
_SIZE_BONUS = 0.04


@cache
def nearest_names(name: str) -> tuple[tuple[str, ...], str]:
    """LOCODEs that a folded name is a slip of, best first, or the folded name of a city that it is a slip of."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    gazetteer = load_gazetteer()
    if len(name) < 4:
        return (), ""
    scored: dict[tuple[str, ...], float] = {}
    for known, score, _ in process.extract(
        name,
        list(gazetteer.names),
        scorer=OSA.normalized_similarity,
        score_cutoff=_CUTOFF,
        limit=12,
    ):
        codes = gazetteer.names[known]
        size = max(gazetteer.ports[code].size for code in codes)
        if size < 2 and (len(name) < 6 or score < 0.85):
            continue
        same_start = 0.01 if known[0] == name[0] else -0.03
        scored[codes] = max(scored.get(codes, 0), score + _SIZE_BONUS * size + same_start)
    city = process.extractOne(
        name, list(gazetteer.cities), scorer=OSA.normalized_similarity, score_cutoff=0.85
    )
    best = max(scored.values(), default=0.0)
    if city is not None and city[1] > best - _SIZE_BONUS:
        return (), city[0]
    close = [
        codes for codes, score in sorted(scored.items(), key=lambda item: -item[1]) if score >= best - _TIE
    ]
    return tuple(dict.fromkeys(code for codes in close for code in codes))[:4], ""


def similar_ports(name: str, *, count: int = 3) -> tuple[str, ...]:
    """LOCODEs of the container ports with the most similar names, however unlike."""
    from rapidfuzz import process
    from rapidfuzz.distance import JaroWinkler

    gazetteer = load_gazetteer()
    names = [known for known, codes in gazetteer.names.items() if gazetteer.ports[codes[0]].size == 2]
    found = process.extract(name, names, scorer=JaroWinkler.similarity, limit=4 * count)
    return tuple(dict.fromkeys(gazetteer.names[known][0] for known, _, _ in found))[:count]
