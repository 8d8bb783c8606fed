"""The model card written beside the router's weights: sources, licences, date, figures, limits."""

from __future__ import annotations

from collections.abc import Mapping

from ..router.lexical import LexicalModel

_SOURCES: Mapping[str, tuple[str, str, str]] = {
    "strategyqa": (
        "StrategyQA steps, train (eladsegal/strategyqa)",
        "MIT",
        "both: `operation` by majority, no paragraph",
    ),
    "break": ("Break QDMR steps, dev (allenai/Break)", "MIT", "both: by operator"),
    "nq": ("NQ-open, dev (efficientqa/nq-open)", "Apache-2.0", "knowledge"),
    "hotpotqa": ("HotpotQA questions, dev (ysymyth/ReAct)", "CC BY-SA 4.0", "knowledge"),
    "gsm8k": ("GSM8K (openai/grade-school-math)", "MIT", "reasoning"),
    "bbh": ("BIG-Bench Hard, 23 tasks (suzgunmirac/BIG-Bench-Hard)", "MIT", "reasoning"),
    "mmlu": (
        "MMLU prompts of 34 plainly one-sided subjects (lm-sys/RouteLLM)",
        "Apache-2.0",
        "both: by subject",
    ),
    "xquad": ("XQuAD English questions (google-deepmind/xquad)", "CC BY-SA 4.0", "knowledge"),
    "passages": ("XQuAD English paragraphs with a question", "CC BY-SA 4.0", "knowledge"),
    "scifact": ("SciFact claims", "CC BY 4.0", "knowledge"),
    "anthropic_docs": ("Questions on documentation (anthropics/claude-cookbooks)", "MIT", "knowledge"),
    "exemplars": ("Written for this project: `exemplars.txt` beside this card", "Apache-2.0", "both"),
}

_CARD = """# Model card: the `learned` router policy

| | |
|---|---|
| version | {version} |
| date | {date} |
| what it is | logistic regression over {count:,} named features (words, runs of letters, \
skeletons, forms, surface signs), Platt-scaled; {steps:,} of them are the literal wording of short questions, fitted \
apart on StrategyQA and the exemplars and added at a share of {share} |
| what it says | the probability that a step or question is reasoning-heavy rather than knowledge-heavy |
| form | `learned.json`: plain data, a number per feature name |
| made by | `pilotfish lab train --data DIR` |

## Sources
No row of these sets is in the weights file; it holds words, word pairs and runs of letters
that occur in at least {least} texts, restyled copies counted; wordings of steps \
in at least {least_steps} steps or exemplars. `learned.rows` holds fingerprints of the rows
fitted on, and no text.{left_out}

| set | rows | licence | labels |
|---|---|---|---|
{sources}

## Figures
`cross_validated_*` is of rows the model was not fitted to, weighed as in training, restyled copies counted; its
calibration error is not independent, as slope and shift were fitted to the same scores. `strategyqa_*` is the set's dev
split, never fitted or calibrated on, but earlier settings were chosen while watching it: a development figure.
`pilotfish lab bench router --data DIR` adds each set held out altogether.

| figure | value |
|---|---|
{metrics}

## Limits
- English only.
- It reads the wording: masked references, or arithmetic hidden in prose, can fool it.
- Reasoning and knowledge are a matter of degree; the labels of the sets draw the line in different places. StrategyQA's
  annotators disagree on steps such as "Can a #1 swim?", which need a fact and a conclusion.
- Long texts are read at their head and tail only ({cap} characters).
- The probabilities are calibrated on the training mix; on another mix, calibrate again or move the threshold.
"""


def card(
    model: LexicalModel,
    sets: Mapping[str, int],
    metrics: Mapping[str, float],
    left_out: Mapping[str, int],
    *,
    date: str,
) -> str:
    """The card as Markdown."""
    from ..router.features import HEAD, STEP, TAIL
    from .router_fit import MIN_ROWS, STEPS_MIN_ROWS, STEPS_SHARE

    rows: list[str] = []
    for name, count in sorted(sets.items()):
        source, licence, labels = _SOURCES.get(name, (name, "–", "both"))
        rows.append(f"| {source} | {count:,} | {licence} | {labels} |")
    return _CARD.format(
        version=model.version,
        date=date,
        count=len(model.weights),
        steps=sum(name.startswith(STEP) for name in model.weights),
        share=STEPS_SHARE,
        least=MIN_ROWS,
        least_steps=STEPS_MIN_ROWS,
        sources="\n".join(rows),
        left_out="".join(
            f"\n{count:,} rows that ask what `{table}` asks were left out: the weights may be scored on it."
            for table, count in left_out.items()
        ),
        metrics="\n".join(f"| {name} | {value:.4f} |" for name, value in metrics.items()),
        cap=HEAD + TAIL,
    )
