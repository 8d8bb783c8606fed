"""Numbers of a request that are quantities: containers, the vessel's draft, the budget.

A number counts only with its unit or its word; a length, a beam, a speed or a day rate is left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from .request_text import Span, number, read_number

DEEPEST_DRAFT_M = 24.6
"""Full-load draft of the deepest vessel ever sailed (Seawise Giant)."""
_SHALLOWEST_DRAFT_M = 4.0
"""A length given without its name is no ship's draft below this."""
LARGEST_AMOUNT = 1e11
"""No cargo in TEU and no voyage in dollars comes near it."""
_CURRENCIES = {
    "euros": r"€|\beur(?:os?)?\b",
    "pounds": r"£|\bgbp\b|\bsterling\b|\bpounds?\b|\bquid\b",
    "yen": r"¥|\bjpy\b|\byen\b",
    "yuan": r"\bcny\b|\brmb\b|\byuan\b",
    "Swiss francs": r"\bchf\b|\bfrancs?\b",
    "Indian rupees": r"₹|\binr\b|\brupees?\b",
    "Australian dollars": r"\ba\$|\baud\b|\baustralian dollars?\b",
    "Canadian dollars": r"\bc\$|\bcad\b|\bcanadian dollars?\b",
    "Singapore dollars": r"\bs\$|\bsgd\b|\bsingapore dollars?\b",
    "Hong Kong dollars": r"\bhk\$|\bhkd\b|\bhong kong dollars?\b",
    "kroner": r"\b(?:nok|sek|dkk|isk|kron(?:er|or|a|en|ur))\b",
    "dirhams": r"\b(?:aed|dirhams?)\b",
    "won": r"₩|\bkrw\b",
    "rand": r"\bzar\b|\brand\b",
    "reais": r"\br\$|\bbrl\b|\breais\b",
    "roubles": r"₽|\brub\b|\broubles?\b|\brubles?\b",
    "bitcoin": r"\bbtc\b|\bbitcoins?\b",
    "Turkish lira": r"₺|\btry\b(?=\s*\d)|\bliras?\b",
    "pesos": r"\bmxn\b|\bpesos?\b",
    "Taiwan dollars": r"\bnt\$|\btwd\b",
    "Saudi riyals": r"\bsar\b(?=\s*\d)|\b(?:riyals?|rials?)\b",
    "dinars": r"\b(?:kwd|bhd|jod|dinars?)\b",
    "Egyptian pounds": r"\begp\b",
    "naira": r"₦|\bngn\b|\bnairas?\b",
    "shillings": r"\b(?:kes|tzs|ugx|shillings?)\b",
    "cedis": r"\bghs\b|\bcedis?\b",
    "baht": r"฿|\bthb\b|\bbaht\b",
    "ringgit": r"\bmyr\b|\bringgits?\b",
    "rupiah": r"\bidr\b|\brupiahs?\b",
    "dong": r"₫|\bvnd\b|\bdong\b",
    "Philippine pesos": r"₱|\bphp\b",
    "taka": r"৳|\bbdt\b|\btaka\b",
    "Pakistani or Sri Lankan rupees": r"\b(?:pkr|lkr)\b",
    "zlotys": r"\bpln\b|\bz[lł]oty(?:s|ch)?\b",
    "hryvnias": r"₴|\buah\b|\bhryvnias?\b",
    "lei": r"\bron\b(?=\s*\d)|\blei\b",
    "forints": r"\bhuf\b|\bforints?\b",
    "korunas": r"\bczk\b|\bkorunas?\b",
    "shekels": r"₪|\bils\b|\b(?:new\s+)?she[kq]els?\b",
    "soles": r"\bpen\b(?=\s*\d)|\bsoles\b",
    "New Zealand dollars": r"\bnz\$|\bnzd\b",
}
_SCALE_WORD = r"(?:k|mm?|mn|mio|mln|mil|millions?|thousand|hundred|grand)"
_FOREIGN = {
    name: re.compile(
        rf"(?:{sign})\s*\d|\d\s*(?:{_SCALE_WORD}\.?)?\s*(?:{sign})|{_SCALE_WORD}\s+(?:{sign})"
        rf"|\b(?:budget|cost|price|spend|pay|limit|cap)\b[^.;\n]{{0,30}}(?:{sign})",
        re.IGNORECASE,
    )
    for name, sign in _CURRENCIES.items()
}
_DOLLAR = r"(?:us\s?\$|usd\s?\$?|u\.s\.\s?\$|\$\s?(?:usd)?|us dollars?)"
_DOLLARS = r"(?:u\.?s\.? ?dollars?|usd|us\$|dollars?|bucks|\$)"
_MONEY = re.compile(
    rf"(?<![a-z]){_DOLLAR}\s*{number('a')}|{number('b')}\s*{_DOLLARS}(?![a-z])", re.IGNORECASE
)
_BUDGET = re.compile(
    r"\b(?:budget(?:ed)?|cost(?:s|ing)?|spend(?:ing)?|price|pay(?:ing)?|cap(?:ped)?|ceiling)\b"
    r"(?:\s+\(?(?:is|of|at|usd|us\$|limit|cap|ceiling|to|under|below|max(?:imum)?|no more than"
    r"|not more than|up to|about|around|less than|at most|not exceed(?:ing)?|must|should|be|stay"
    r"|keep|kept|remain|more|than|for|the|voyage|all|in|=)\)?)*"
    rf"[\s:=<≤]*{number('a')}(?!\s*(?:[-\s]?(?:teu|feu|ft|feet|foot|m\b(?!\w)|met|days?|weeks?|nm"
    rf"|knots|kn|containers?|boxes|tonn|tons|%|·)|['’]))",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"\b(?:at most|no more than|not more than|up to|max(?:imum)?|under|below|limit(?:ed)?(?: is| of| to)?)\s+"
    rf"{number('a', scale=False)}\s*(?P<ascale>k|m|mn|mio|mln|million)(?![a-zA-Z])"
    r"(?!\s*(?:teu|feu|draft|draught|box|cont|long|wide|beam|deep))",
    re.IGNORECASE,
)
_PER = re.compile(
    r"\s*(?:per|/|a|each)\s*(?P<unit>teu|feu|container|box|day|ton(?:ne)?|mt|month|hour)\b", re.IGNORECASE
)
_NO_BUDGET = re.compile(
    r"\b(?:worth|valued? (?:at|of)|insured (?:for|at)|invoice|cargo value|freight rate|day rate"
    r"|hire)\b[^.;,]*$",
    re.IGNORECASE,
)
_SIZE40 = r"(?:40|forty|45|forty[\s-]five)"
_SIZE20 = r"(?:20|twenty)"
_FOOT = r"(?:\s*-?\s*(?:ft|foot|feet|footers?|['’′]))"
_TYPE = (
    r"(?:\s*(?:hc|hq|high[\s-]?cubes?|gp|dv|dry|reefers?|standard|std|st|rf|containers?|boxes|box"
    r"|cntrs?|units?|equivalents?))*"
)
_TIMES = r"\s*(?:[x×*]\s*)?"
_FEU = re.compile(
    rf"{number('n')}(?:{_TIMES}{_SIZE40}(?:{_FOOT}(?:ers?)?|(?=\s*(?:hc|hq)\b))(?:s\b)?{_TYPE}"
    rf"|\s*-?(?:feus?)\b)",
    re.IGNORECASE,
)
_TEU = re.compile(
    rf"{number('n')}(?:{_TIMES}{_SIZE20}{_FOOT}(?:ers?)?(?:s\b)?{_TYPE}|\s*-?(?:teus?|t\.e\.u\.s?)\b)",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    rf"(?:\b(?P<unit>teus?|feus?)[\s']*(?:[:=]|of|is)\s*|(?:^|(?<=[;,|\n]))\s*(?P<opens>teus?|feus?)\s+){number('n')}",
    re.IGNORECASE,
)
_EITHER_TEU = re.compile(
    r"\b\d[\d,.]*\s*(?:teus?\s+)?or\s+(?:\w+\s+)?\d[\d,.]*\s*(?:teus?|feus?)\b", re.IGNORECASE
)
_EITHER_LENGTH = re.compile(r"\s*or\s+\d+(?:[.,]\d+)?\s*(?:m|met|ft|feet)", re.IGNORECASE)
_SIZE_AFTER = re.compile(
    rf"\s*(?:,|of|\(|each|-|at)*\s*(?:all\s+)?(?P<size>{_SIZE40}|{_SIZE20}){_FOOT}(?:ers?|s)?\b"
    rf"|\s*\(?(?:all\s+)?(?P<hc>40|45)\s*(?:hc|hq)\b",
    re.IGNORECASE,
)
_BOXES = re.compile(
    rf"{number('n')}\s+(?:\w+\s+)?(?:containers?|boxes|box|cntrs?|reefers?)\b(?!\s*(?:ship|vessel))",
    re.IGNORECASE,
)
_JOINED = re.compile(r"\s*,?\s*(?:and|plus|\+|&|as well as|along with|together with)\s*")
_LISTED = re.compile(rf"\s*,\s*|{_JOINED.pattern}")
_VESSEL = re.compile(
    r"^[\s-]*(?:capacity\s+|class\s+|container\s*)*(?:vessels?|ships?|containerships?|boxships?"
    r"|class|capacity|feeder)\b",
    re.IGNORECASE,
)
_DRAFT_WORD = (
    r"(?:(?:draft|draught)\s*[\s(\[]m(?:etres|eters)?[)\]]?(?=\s*[:=])|draft|draught|drafts|draughts"
    r"|drawing|draws|draw|drg|sdwt draft|t\s*=)"
)
_METRES = r"(?:m(?:et(?:er|re)s?|trs?|ts?)?|cm|centimet(?:er|re)s?)"
_FEET = r"(?:ft|feet|foot|['’′])"
_INCHES = r"(?:\s*-?\s*(?P<{0}inches>\d+(?:\.\d+)?)\s*(?:in(?:ch(?:es)?)?\b|[\"”″]|''))?"


def _length(name: str) -> str:
    unit = rf"(?P<{name}unit>{_METRES}(?![a-z])|{_FEET}(?![a-z]))"
    return number(name, scale=False) + rf"\s*-?\s*{unit}" + _INCHES.format(name)


_BETWEEN = (
    r"(?:\s+(?:between|from|\d+(?:[.,]\d+)?\s*m?\s*(?:and|to|-|–)(?=\s*\d)|is|of|at|to|a|max(?:imum)?"
    r"|up|about|around|approx(?:imately)?|laden|loaded|salt|fresh|water|no|not|more|than|exceeding|will"
    r"|be|she|limit|summer|vessel|ship|restriction|under|below|forward|aft|her|its|the|currently|around"
    r"|just|over|some|scantling|design|sw|arrival|sailing|departure))*"
)
_DRAFT = re.compile(

        rf"{_length('a')}\s*(?:of\s+|in\s+|max(?:imum)?\s+|deep[\s-]+|laden\s+|loaded\s+"
        rf"|salt\s?water\s+|sw\s+)*(?:draft|draught|deep\b|of water)"
    rf"|\b{_DRAFT_WORD}{_BETWEEN}[\s:=<≤~(]*{_length('b')}"

        rf"|\b{_DRAFT_WORD}{_BETWEEN}[\s:=<≤~(]*{number('c', scale=False)}(?!\s*(?:[-\s]?(?:teu|feu"
        rf"|days?|knots|%|tonn|tons|k\b|·)|[\d/]))",
    re.IGNORECASE,
)  # fmt: skip


_BARE_DRAFT = re.compile(
    rf"(?:(?P<at>\bat\s+)|(?<!\w)){number('d', scale=False)}\s*(?:(?(at)m|(?!))|mtrs?|met(?:er|re)s?)\b"
    r"(?!\s*(?:\w+\s+)?(?:long|length|loa|wide|width|beam|high|height|air|container|box|usd|dollars?)|\s*[x×*/]|[-²³])",
    re.IGNORECASE,
)
_NO_DRAFT = re.compile(
    r"(?:\b(?:length|long|loa|lbp|beam|breadth|width|height|air|cranes?|outreach|max(?:imum)?|most|under|below|than|up\s+to"
    r"|cap|budget|cost|price|spend|limit|visibility|waves?|swell|usd)\b[\s\w:=]{0,12}|[$€£x×*/]\s*)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One quantity of the request in the unit of the query: TEU, metres or US dollars."""

    field: str
    value: float
    span: Span
    note: str = ""
    """What was assumed, for the user to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Every quantity found, and what makes the request refusable."""

    found: tuple[Amount, ...] = ()
    refusals: tuple[str, ...] = ()
    ambiguous: tuple[tuple[str, str], ...] = field(default=())
    """(field, question) pairs."""

    def values(self, name: str) -> list[float]:
        """Distinct values read for one field."""
        return list(dict.fromkeys(amount.value for amount in self.found if amount.field == name))


def read_amounts(text: str) -> Amounts:
    """Containers, draft and budget in a request whose dates are blanked out."""
    refusals = [_foreign(name) for name, sign in _FOREIGN.items() if sign.search(text)]
    teu, ambiguous_teu = _read_teu(text)
    draft, ambiguous_draft = _read_draft(text)
    money, ambiguous_money = (
        _read_money(text, sum(amount.value for amount in teu)) if not refusals else ([], [])
    )
    found = [*teu, *draft, *money]
    refusals += [_impossible(amount) for amount in found if amount.value <= 0]
    refusals += [
        f"{amount.span.text.strip()[:30]!r} is too large for {amount.field!r}; check the number"
        for amount in found
        if amount.value > LARGEST_AMOUNT
    ]
    found = [amount for amount in found if amount.value <= LARGEST_AMOUNT]
    refusals += [
        f"{amount.span.text.strip()!r} is no whole number of TEU; give 'teu' as one"
        for amount in found
        if amount.field == "teu" and amount.value % 1
    ]
    refusals += [
        f"a draft of {amount.value:g} m is deeper than any vessel's ({DEEPEST_DRAFT_M} m); check 'draft_m' and its unit"
        for amount in draft if amount.value > DEEPEST_DRAFT_M
    ]  # fmt: skip
    refusals += _contradictions(found)
    return Amounts(
        found=tuple(found),
        refusals=tuple(refusals),
        ambiguous=(*ambiguous_teu, *ambiguous_draft, *ambiguous_money),
    )


def _foreign(name: str) -> str:
    return f"the budget is in {name}; only US dollars are supported, so give 'max_cost_usd' in dollars"


def _impossible(amount: Amount) -> str:
    return f"{amount.span.text.strip()!r} is not possible: {amount.field!r} must be more than zero"


def _contradictions(found: list[Amount]) -> list[str]:
    problems: list[str] = []
    for name in ("teu", "draft_m", "max_cost_usd"):
        texts = {amount.value: amount.span.text.strip() for amount in found if amount.field == name}
        if len(texts) > 1:
            problems.append(
                f"the request contradicts itself: {name!r} is given as {' and '.join(map(repr, texts.values()))}"
            )
    return problems


def _span(match: re.Match[str]) -> Span:
    return Span(start=match.start(), end=match.end(), text=match[0])


def _read_teu(text: str) -> tuple[list[Amount], list[tuple[str, str]]]:
    counted = [(match, read_number(match, "n", whole=True) * 2, "") for match in _FEU.finditer(text)]
    counted += [(match, read_number(match, "n", whole=True), "") for match in _TEU.finditer(text)]
    for match in _LABELLED.finditer(text):
        factor = 2 if (match["unit"] or match["opens"]).lower().startswith("f") else 1
        counted.append((match, read_number(match, "n", whole=True) * factor, ""))
    if not counted:
        counted = [_box_count(text, match) for match in _BOXES.finditer(text)]
    cargo = [item for item in counted if not _VESSEL.match(text[item[0].end() :])]
    counted = sorted(cargo or counted, key=lambda item: item[0].start())
    amounts = [
        Amount(field="teu", value=value, span=_span(match), note=note)
        for match, value, note in _distinct(counted)
    ]
    return _add_up(text, amounts), [_either("teu", each) for each in _EITHER_TEU.finditer(text)]


def _either(name: str, match: re.Match[str]) -> tuple[str, str]:
    return name, f"{match[0].strip()!r} leaves {name!r} open: which one?"


def _box_count(text: str, match: re.Match[str]) -> tuple[re.Match[str], float, str]:
    """A count of boxes, and the size of one where it follows (`120 containers of 40 feet`)."""
    count, size = read_number(match, "n", whole=True), _SIZE_AFTER.match(text, match.end())
    if size is None:
        return match, count, "containers of no stated size are counted as twenty-foot ones"
    return match, count * (1 if size["size"] and size["size"].lower() in ("20", "twenty") else 2), ""


def _distinct(counted: list[tuple[re.Match[str], float, str]]) -> list[tuple[re.Match[str], float, str]]:
    kept: list[tuple[re.Match[str], float, str]] = []
    for item in counted:
        if not kept or item[0].start() >= kept[-1][0].end():
            kept.append(item)
    return kept


def _add_up(text: str, amounts: list[Amount]) -> list[Amount]:
    """Containers of several sizes named in one list are one cargo."""
    if len(amounts) < 2:
        return amounts
    gaps = [text[a.span.end : b.span.start] for a, b in pairwise(amounts)]
    sizes = {bool(re.search(r"feu|40|45|fort", amount.span.text, re.IGNORECASE)) for amount in amounts}
    listed = _LISTED if len(sizes) > 1 else _JOINED
    if not all(listed.fullmatch(gap) for gap in gaps):
        return amounts
    start, end = amounts[0].span.start, amounts[-1].span.end
    span = Span(start=start, end=end, text=text[start:end])
    return [Amount(field="teu", value=sum(amount.value for amount in amounts), span=span, note="added up")]


def _read_draft(text: str) -> tuple[list[Amount], list[tuple[str, str]]]:
    amounts: list[Amount] = []
    questions: list[tuple[str, str]] = []
    for match in _DRAFT.finditer(text):
        name = next(name for name in "abc" if match[name] is not None)
        value = read_number(match, name)
        if other := _EITHER_LENGTH.match(text, match.end()):
            questions.append(
                ("draft_m", f"{match[0].strip() + other[0]!r} leaves 'draft_m' open: which one?")
            )
            continue
        if name == "c" and value > DEEPEST_DRAFT_M:
            questions.append(("draft_m", f"{match[0].strip()!r} has no unit: is it feet, or metres?"))
            continue
        amounts.append(Amount(field="draft_m", value=_metres(match, name, value), span=_span(match)))
    return (amounts, questions) if amounts or questions else (_bare_draft(text), [])


def _bare_draft(text: str) -> list[Amount]:
    """`2,400 TEU at 12.5 m`: the only length of the request, when it can be nothing but a draft."""
    lengths = [each for each in _BARE_DRAFT.finditer(text) if not _NO_DRAFT.search(text[: each.start()])]
    if len(lengths) != 1 or not _SHALLOWEST_DRAFT_M <= read_number(lengths[0], "d") <= DEEPEST_DRAFT_M:
        return []
    value = round(read_number(lengths[0], "d"), 2)
    return [Amount(field="draft_m", value=value, span=_span(lengths[0]), note="read as the draft")]


def _metres(match: re.Match[str], name: str, value: float) -> float:
    if name == "c":
        return round(value, 2)
    unit = match[f"{name}unit"].lower()
    if unit.startswith(("cm", "cent")):
        return round(value / 100, 2)
    if unit.startswith("m"):
        return round(value, 2)
    inches = float(match[f"{name}inches"] or 0)
    return round(value * 0.3048 + inches * 0.0254, 2)


def _read_money(text: str, teu: float) -> tuple[list[Amount], list[tuple[str, str]]]:
    matches = list(_MONEY.finditer(text)) or list(_BUDGET.finditer(text)) or _limits(text)
    amounts: list[Amount] = []
    questions: list[tuple[str, str]] = []
    for match in matches:
        name = "a" if match.groupdict().get("a") is not None else "b"
        value = read_number(match, name, whole=not match.groupdict().get(f"{name}scale"))
        if re.search(r"(?:^|\s)(?:[-−]|(?:minus|negative)\s+)$", text[: match.start()]):
            value = -value
        per = _PER.match(text[match.end() :])
        note = (
            ""
            if "$" in match[0] or re.search("usd|dollar|bucks", match[0], re.IGNORECASE)
            else "read as US dollars"
        )
        if _NO_BUDGET.search(text[: match.start()]) or (
            per and per["unit"].lower() in ("day", "month", "hour", "ton", "tonne", "mt")
        ):
            continue
        if per and not teu:
            questions.append(
                ("max_cost_usd", f"{match[0].strip()!r} is per {per['unit']}: for how many TEU?")
            )
            continue
        if per:
            boxes = teu / 2 if per["unit"].lower() == "feu" else teu
            value, note = value * boxes, f"{match[0].strip()} per {per['unit']} for {teu:g} TEU"
        amounts.append(Amount(field="max_cost_usd", value=round(value, 2), span=_span(match), note=note))
    return _upper_bound(text, amounts), questions


def _limits(text: str) -> list[re.Match[str]]:
    """`at most 900k`: a bare limit, which is money unless it may be metres (`at most 14 m`)."""
    return [match for match in _LIMIT.finditer(text) if match["ascale"] != "m"]


def _upper_bound(text: str, amounts: list[Amount]) -> list[Amount]:
    """Of a range of money the upper end is the limit."""
    if len(amounts) == 2 and re.search(
        r"\b(?:between|from)\s*$", text[: amounts[0].span.start], re.IGNORECASE
    ):
        return amounts[1:]
    return amounts
