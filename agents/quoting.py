"""The sentence of the evidence that is nearest to a question, for when no model's answer stands in the sources."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..retrieval.evidence import Evidence
from .attempt import Citation
from .sentences import key_terms, sentence_spans, words_of

_ENOUGH = 0.5
"""Share of the question's key terms that a sentence, with its heading, must hold to be worth quoting."""
_RANK_WORTH = 0.2
"""What the first rank adds, a half of it the second, and so on: the retriever knows more than word overlap."""
_LIST_MARK = re.compile(r"(?:[-*•]|\d+[.)])\s+")


def best_quote(question: str, evidence: Sequence[Evidence]) -> Citation | None:
    """The sentence that holds most of the question's words, verbatim; `None` when none holds half of them."""
    asked = key_terms(question)
    best: tuple[float, Citation] | None = None
    for passage in evidence:
        for begins, end in sentence_spans(passage.text):
            mark = _LIST_MARK.match(passage.text, begins, end)
            start = mark.end() if mark else begins
            held = {word.stem for word in words_of(f"{passage.heading or ''} {passage.text[start:end]}")}
            share = len(asked & held) / max(1, len(asked))
            worth = share + _RANK_WORTH / max(1, passage.rank)
            if share >= _ENOUGH and (best is None or worth > best[0]):
                best = (worth, Citation.of(passage, start, end))
    return None if best is None else best[1]
