"""A calibrated threshold and what it promises, as a JSON file that `threshold` and `cascade` read.

`pilotfish lab calibrate` makes it. It is bound to the policy, and the version of it, whose scores it was found on.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from .. import UsageError
from ..tracing.whole import write_whole

FORMAT = "pilotfish-calibration-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A threshold, its guarantee and its figures on the calibration log; figures are means per prompt.

    Certified are two columns of the log: `large` from the threshold on, `small` on every other row. In an agent that
    holds only where the other steps are carried out by what `small` names. Their lane goes by kind: knowledge is the
    retriever's, or where there is no corpus the large model's, and the column MODEL says nothing about either.
    """

    measure: Literal["large_score", "confidence"]
    """What the threshold cuts: the policy's score, or the small model's confidence in its own answer."""
    threshold: float
    """The large model answers where the score is at least this; of a confidence, where it is below this."""
    target: float
    """The guarantee: expected quality is at least this share of the large model's, "expected" meaning over all prompts
    like those of the log."""
    confidence: float
    """The probability with which it holds, over calibration logs like this one."""
    share_lower: float
    """The share of the large model's quality that the threshold would be certified to keep had it been named
    beforehand; at least `target`. It was chosen on these rows, so that only `target` is promised."""
    quality: float
    quality_lower: float
    """`share_lower` of `reference_quality`: a bound for a threshold named beforehand, times what the large model was
    seen to earn on these rows. The threshold was chosen on them, so this is no bound of its quality."""
    reference_quality: float
    """Of always asking the large model."""
    large_share: float
    cost: float
    reference_cost: float
    saving: float
    """Share of `reference_cost` that is saved; negative where asking both models costs more than it saves."""
    cost_unit: str
    n: int
    """Rows calibrated on."""
    labels: int
    """Rows the policy was fitted on before; none of them is among the `n`."""
    dropped_trained: int
    """Rows left out because the policy had been trained on them."""
    seed: int
    small: str
    """The column of the log whose answers were certified below the threshold: a model alone, as it answered there, or
    MODEL+retrieval."""
    large: str
    policy: str
    version: str
    """Of a cascade, that of the policy inside, by its name."""
    spec: str | None
    """What `load_policy` makes the policy, or the one inside a cascade, from; None where it was fitted in memory or
    given as an object."""
    table: str
    digest: str
    """Identity of the table's content."""

    def check(self, policy: str, version: str) -> None:
        """Raises `UsageError` with the remedy unless this is the policy and version calibrated."""
        if (policy, version) != (self.policy, self.version):
            raise UsageError(
                f"the calibration is of policy {self.policy!r} version {self.version!r}, and this is {policy!r} "
                f"version {version!r}: its scores mean something else; calibrate it again with: "
                "pilotfish lab calibrate LOG --policy NAME --out FILE"
            )


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Writes the JSON file; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"format": FORMAT, **asdict(calibration)}
    write_whole(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def read_calibration(path: Path | str) -> Calibration:
    """The calibration in a file. Raises `UsageError` where there is none or it is of another form."""
    from pydantic import TypeAdapter, ValidationError

    path = Path(path)
    remedy = "write one with: pilotfish lab calibrate LOG --policy NAME --out FILE"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"no calibration at {str(path)!r}; {remedy}") from None
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise UsageError(f"calibration {str(path)!r} is not JSON; {remedy}") from None
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise UsageError(f"{str(path)!r} is no calibration of the form {FORMAT!r}; {remedy}")
    try:
        return TypeAdapter(Calibration).validate_python(content)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise UsageError(f"calibration {str(path)!r}: its {field!r} does not fit; {remedy}") from None
