"""`pilotfish canary`: from a plan file to a decision, and the story told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pilotfish.models.settings import load_settings
from pilotfish.prompts.prompt import text_digest
from pilotfish.rollout.observation import Observation
from pilotfish.rollout.rollout import Rollout
from pilotfish.tracing.ledger import Ledger

BASELINE = "smollm2-135m"
PLAN = "ramp: [0.2, 0.6]\nshadow_pairs: 3\nmin_requests: 3\nbake_requests: 3\nmargin: 0.9\nworkflows: [shipping]\n"


@pytest.fixture
def candidate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A SPEC with an own prompt, and plan.yaml, in the folder that the command runs in."""
    monkeypatch.chdir(tmp_path)
    body = "## user\nAnswer in one word: $question\n"
    head = f"---\nname: agent_answer\nversion: short\nsha256: {text_digest(body)}\n---\n"
    (tmp_path / "agent_answer.md").write_text(head + body)
    (tmp_path / "plan.yaml").write_text(PLAN)
    return f"{BASELINE}:prompt=agent_answer=agent_answer.md"


@pytest.fixture
def started(command: Any, candidate: str) -> str:
    options = ("--candidate", candidate, "--baseline", BASELINE, "--plan", "plan.yaml")
    return command("canary", "start", *options, "--json").data["id"]


def rollout_of(name: str) -> Rollout:
    return Rollout.open(Ledger(load_settings().home / "ledger.db"), name)


def fails_in_shadow(name: str) -> Rollout:
    rollout = rollout_of(name)
    for number in range(40):
        for arm in ("baseline", "candidate"):
            seen = Observation(arm=arm, unit="u", passed=arm == "baseline", pair=f"{number}")
            rollout.observe(seen)
    return rollout


def test_start_writes_down_what_is_compared(command: Any, started: str, tmp_path: Path) -> None:
    report = command("canary", "status", started, "--json").data
    assert (report["state"], report["plan"]["workflows"]) == ("shadow", ["shipping"])
    assert report["candidate"]["prompts"]["agent_answer"]["version"] == "short"
    assert len(report["differs"]) == 1
    assert report["candidate"]["spec"].endswith(f"={tmp_path / 'agent_answer.md'}")
    assert report["baseline"]["model_digest"] == report["candidate"]["model_digest"]


def test_the_story_of_a_bad_candidate_can_be_read(command: Any, started: str) -> None:
    assert fails_in_shadow(started).state == "rolled_back"
    told = command("canary", "status").out
    assert f"canary {started}: rolled back" in told
    assert "pass rate is worse than the baseline's" in told
    assert "prompt agent_answer 1 " in told
    assert "workflows shipping" in told
    report = command("canary", "status", started, "--json").data
    assert [step["stage"] for step in report["timeline"]] == ["draft", "shadow", "rolled back"]
    assert report["evidence"]["e_value"] > report["evidence"]["needed"]


def test_status_says_what_promotion_still_waits_for(command: Any, started: str) -> None:
    rollout = rollout_of(started)
    for number in range(3):
        for arm in ("baseline", "candidate"):
            rollout.observe(Observation(arm=arm, unit="u", passed=True, pair=f"{number}"))
    told = command("canary", "status", started).out
    assert "in live requests alone" not in told  # nothing was compared yet
    for arm in ("baseline", "candidate"):
        rollout.observe(Observation(arm=arm, unit="u", passed=True))
    assert "above -90 points in live requests alone" in " ".join(
        command("canary", "status", started).out.split()
    )


def test_pause_resume_promote_and_rollback(command: Any, started: str) -> None:
    assert command("canary", "pause", started, "--reason", "a holiday", "--json").data["state"] == "paused"
    assert rollout_of(started).assign("u", workflow="shipping") == "baseline"
    assert "a holiday" in command("canary", "status", started).out
    assert command("canary", "resume", started, "--json").data["state"] == "shadow"
    refused = command("canary", "promote", started, "--anyway", "--json")
    assert refused.code == 2
    told = refused.data["error"]["message"]
    assert "goes on by itself (waiting for 3 pairs" in told
    assert "--anyway does not skip shadow" in told
    assert "is not paused" in command("canary", "resume", started).err
    back = command("canary", "rollback", started, "--reason", "enough", "--json").data
    assert (back["state"], back["why"]) == ("rolled_back", "enough")
    for again in ("resume", "rollback", "pause"):
        refused = command("canary", again, started)
        assert refused.code == 2
        assert "is over: rolled back on 20" in refused.err
        assert "start a new one" in refused.err


def test_what_changes_one_thing_prints_what_is_now_and_what_to_do(command: Any, started: str) -> None:
    for name, now in (("pause", "paused (by hand)"), ("resume", "shadow"), ("rollback", "rolled back")):
        lines = command("canary", name, started).out.splitlines()
        assert len(lines) == 2
        assert lines[0].startswith(f"canary {started}: {now}")
        assert lines[1].startswith("what to do: ")


def test_only_the_sampling_that_differs_is_shown(command: Any) -> None:
    arms = ("--candidate", f"{BASELINE}:temperature=0.3", "--baseline", BASELINE)
    report = command("canary", "start", *arms, "--json").data
    assert report["differs"] == ["temperature 0.0 → 0.3"]
    assert "{" not in command("canary", "status").out


def test_a_promoted_candidate_is_told_what_to_set(command: Any, started: str) -> None:
    rollout = rollout_of(started)
    for number in range(100):
        if rollout.state == "ramp":
            break
        for arm in ("baseline", "candidate"):
            rollout.observe(Observation(arm=arm, unit="u", passed=True, pair=f"{number}"))
    assert command("canary", "promote", started).code == 2
    told = command("canary", "promote", started, "--anyway").out
    assert f"canary {started}: promoted" in told
    assert "make it your setting" in " ".join(told.split())
    assert rollout.assign("anybody", workflow="shipping") == "candidate"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--candidate", BASELINE, "--baseline", BASELINE), "is the baseline"),
        (("--candidate", "vibethinker-3b", "--baseline", BASELINE), "pilotfish models pull vibethinker-3b"),
        (("--candidate", "smollm3", "--baseline", BASELINE), "smollm2-135m"),
        (("--candidate", f"{BASELINE}:prompt=nothing@2", "--baseline", BASELINE), "nothing"),
        (("--candidate", "{}", "--baseline", BASELINE, "--plan", "no.yaml"), "no.yaml"),
    ],
)
def test_what_cannot_be_a_canary_is_refused(
    command: Any, candidate: str, options: tuple[str, ...], named: str
) -> None:
    refused = command("canary", "start", *(each.format(candidate) for each in options), "--json")
    assert refused.code == 2
    assert named in refused.data["error"]["message"]
    assert command("canary", "status", "--json").data == []


def test_a_second_canary_needs_to_be_told_to_take_over(command: Any, started: str) -> None:
    second = ("--candidate", f"{BASELINE}:temperature=0.7", "--baseline", BASELINE)
    assert "--supersede" in command("canary", "start", *second).err
    assert command("canary", "start", *second, "--supersede", "--json").data["state"] == "shadow"
    states = {each["id"]: each["state"] for each in command("canary", "status", "--json").data}
    assert states.pop(started) == "superseded"
    assert list(states.values()) == ["shadow"]


@pytest.mark.parametrize(("worse", "state"), [(60, "rolled_back"), (0, "shadow")])
def test_an_outcome_table_is_evaluated_first(
    command: Any, candidate: str, tmp_path: Path, worse: int, state: str
) -> None:
    rows = [f"{row},question {row},1,{int(row >= worse)}" for row in range(100)]
    (tmp_path / "table.csv").write_text("\n".join(["id,prompt,baseline|correct,candidate|correct", *rows]))
    (tmp_path / "plan.yaml").write_text(PLAN + "outcomes: table.csv\n")
    options = ("--candidate", candidate, "--baseline", BASELINE, "--plan", "plan.yaml")
    report = command("canary", "start", *options, "--json").data
    assert report["state"] == state
    (offline,) = [step for step in report["timeline"] if step["stage"] == "offline"]
    after = report["timeline"][report["timeline"].index(offline) + 1]
    assert after["evidence"]["outcomes"]
    assert f"{100 - worse}.0 % beside 100.0 % on 100 recorded outcomes" in after["why"]


def test_a_table_that_cannot_be_read_leaves_no_canary(command: Any, candidate: str, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN + "outcomes: nope.csv\n")
    options = ("--candidate", candidate, "--baseline", BASELINE, "--plan", "plan.yaml")
    refused = command("canary", "start", *options)
    assert refused.code == 2
    assert "nope.csv" in refused.err
    assert command("canary", "status", "--json").data == []
    (tmp_path / "plan.yaml").write_text(PLAN)
    assert command("canary", "start", *options).code == 0


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("id,prompt,one|correct,two|correct\n1,question,1,0\n", "candidate"),
        ("id,prompt,candidate|correct,baseline|correct\n1,question,,1\n", "candidate|correct"),
    ],
)
def test_a_table_without_the_arms_leaves_no_canary(
    command: Any, candidate: str, tmp_path: Path, table: str, named: str
) -> None:
    (tmp_path / "table.csv").write_text(table)
    (tmp_path / "plan.yaml").write_text(PLAN + "outcomes: table.csv\n")
    options = ("--candidate", candidate, "--baseline", BASELINE, "--plan", "plan.yaml", "--id", "mine")
    refused = command("canary", "start", *options)
    assert refused.code == 2
    assert named in refused.err
    assert command("canary", "status", "--json").data == []
    (tmp_path / "table.csv").write_text("id,prompt,candidate|correct,baseline|correct\n1,question,1,1\n")
    assert command("canary", "start", *options, "--json").data["state"] == "shadow"


def test_the_plot_is_a_picture(command: Any, started: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    fails_in_shadow(started)
    drawn = command("canary", "status", started, "--plot", "story.png")
    assert drawn.code == 0
    assert "written: story.png" in drawn.err
    assert (tmp_path / "story.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_that_is_no_png_is_refused(command: Any, started: str) -> None:
    for name, remedy in (("story.svg", "story.png"), ("none/story.png", "there is no folder 'none'")):
        refused = command("canary", "status", started, "--plot", name)
        assert refused.code == 2
        assert remedy in refused.err


def test_no_canaries_yet(command: Any) -> None:
    assert command("canary", "status", "--json").data == []
    assert "no canaries yet" in command("canary", "status").err
    assert command("canary", "status", "c-none").code == 2


def test_a_prompt_file_of_any_name_stands_in_for_the_prompt(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    body = "## user\nAnswer in one word: $question\n"
    (tmp_path / "short.md").write_text(
        f"---\nname: short\nversion: short-1\nsha256: {text_digest(body)}\n---\n{body}"
    )
    spec = f"{BASELINE}:prompt=agent_answer=short.md"
    report = command("canary", "start", "--candidate", spec, "--baseline", BASELINE, "--json").data
    (differs,) = report["differs"]
    assert differs.startswith("prompt agent_answer 1 (")
    assert "→ short-1 (short, " in differs
    prompt = report["candidate"]["prompts"]["agent_answer"]
    assert (prompt["name"], prompt["file"]) == ("short", str(tmp_path / "short.md"))
    assert "short" not in report["candidate"]["prompts"]
    assert "→ short-1" in " ".join(command("canary", "status").out.split())


def test_a_prompt_file_with_a_variable_nobody_knows_starts_no_canary(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    body = "## user\nAnswer in one word: $qestion\n"
    (tmp_path / "typo.md").write_text(
        f"---\nname: typo\nversion: 1\nsha256: {text_digest(body)}\n---\n{body}"
    )
    spec = f"{BASELINE}:prompt=agent_answer=typo.md"
    refused = command("canary", "start", "--candidate", spec, "--baseline", BASELINE, "--json")
    assert refused.code == 2
    assert "did you mean $question?" in refused.data["error"]["message"]
    assert command("canary", "status", "--json").data == []
