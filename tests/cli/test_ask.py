from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SUBTASK = {
    "id", "text", "depends_on", "kind", "lane", "status", "answer", "decision", "verdict", "escalations", "evidence",
    "calls",
}  # fmt: skip
CALL = {
    "model_id", "model_digest", "prompt_name", "prompt_version", "input_tokens", "output_tokens", "cost_usd",
    "latency_ms", "finish_reason",
}  # fmt: skip
UNREACHABLE = "openai/x@http://127.0.0.1:9/v1"


def test_json_is_the_public_contract(command: Any, scripted: Any) -> None:
    scripted(lambda _text: "The product is 381.")
    outcome = command("ask", "What is 17 times 23?", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    result = outcome.data
    assert set(result) >= {"run_id", "answer", "status", "citations", "subtasks", "totals"}
    assert set(result["totals"]) == {"calls", "input_tokens", "output_tokens", "cost_usd", "wall_ms"}
    (subtask,) = result["subtasks"]
    assert set(subtask) >= SUBTASK
    assert set(subtask["decision"]) >= {"policy", "version", "p_reasoning", "confidence", "reason"}
    assert set(subtask["verdict"]) == {"status", "reason", "checked"}
    assert (result["answer"], subtask["lane"]) == ("391", "tool")
    (escalation,) = subtask["escalations"]
    assert set(escalation) >= {"from", "to", "reason"}
    assert (escalation["from"], escalation["to"], escalation["reason"]) == (
        "local",
        "tool",
        "verifier_failed",
    )
    (call,) = subtask["calls"]
    assert set(call) >= CALL
    assert result["totals"]["calls"] == 1
    assert result["totals"]["output_tokens"] == call["output_tokens"]


def test_readable_output_tells_the_way_on_standard_error(command: Any, scripted: Any) -> None:
    scripted(lambda _text: "The product is 381.")
    outcome = command("ask", "What is 17 times 23?", "--mermaid")
    assert outcome.out.split()[0] == "391"
    assert "flowchart" in outcome.out
    assert "1 model call (scripted)" in outcome.out
    assert "s1: local -> tool (verifier_failed)" in outcome.err


def test_an_unreachable_model_is_said_and_exits_with_4(command: Any) -> None:
    outcome = command("ask", "Who wrote Hamlet?", "--local", UNREACHABLE, "--json")
    assert outcome.code == 4
    assert outcome.data["status"] == "failed"
    (subtask,) = outcome.data["subtasks"]
    assert subtask["failure"] == "model_unavailable"
    assert "127.0.0.1:9" in outcome.data["answer"]


def test_a_spent_budget_is_said_and_exits_with_3(command: Any, scripted: Any) -> None:
    scripted(lambda _text: "Shakespeare.")
    outcome = command("ask", "Who wrote Hamlet?", "--max-calls", "0", "--json")
    assert outcome.code == 3
    assert "budget" in outcome.data["answer"]


def test_a_plan_waits_for_approval_and_is_carried_out_once_given(command: Any, scripted: Any) -> None:
    scripted(lambda _text: "391")
    waiting = command("ask", "What is 17 times 23?", "--approve", "--json")
    assert (waiting.code, waiting.data["status"]) == (3, "awaiting_approval")
    assert waiting.data["plan"]["subtasks"][0]["text"] == "What is 17 times 23?"
    run_id = waiting.data["run_id"]
    again = command("ask", "--resume", run_id)
    assert again.code == 3
    assert f"pilotfish ask --resume {run_id} --yes" in again.out
    done = command("ask", "--resume", run_id, "--yes", "--json")
    assert (done.code, done.data["answer"], done.data["run_id"]) == (0, "391", run_id)


def test_a_question_of_20000_characters_and_one_in_several_scripts(command: Any, scripted: Any) -> None:
    scripted(lambda _text: "Bern.")
    assert command("ask", "x" * 20_000, "--json").code == 0
    outcome = command("ask", "Wie heißt die\nHauptstadt der Schweiz? 🐟", "--json")
    assert "🐟" in outcome.data["subtasks"][0]["text"]


def test_a_question_in_another_encoding_is_a_wrong_command(command: Any, scripted: Any) -> None:
    scripted(str)
    outcome = command("ask", b"caf\xe9?".decode("utf-8", "surrogateescape"), "--json")
    assert outcome.code == 2
    assert "UTF-8" in outcome.data["error"]["message"]


@pytest.mark.weights
def test_an_answer_from_a_corpus_cites_it(
    command: Any, weights: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(weights / "models")
    monkeypatch.setenv("PILOTFISH_HOME", str(home))
    corpus = tmp_path / "docs"
    corpus.mkdir()
    (corpus / "suez.md").write_text("# Suez Canal\n\nThe Suez Canal was opened in 1869. It is 193 km long.\n")
    outcome = command("ask", "When was the Suez Canal opened?", "--corpus", str(corpus), "--json")
    assert outcome.code == 0
    assert "1869" in outcome.data["answer"]
    (citation,) = outcome.data["citations"]
    assert (citation["source"], "1869" in citation["quote"]) == ("suez.md", True)
    evidence = outcome.data["subtasks"][0]["evidence"][0]
    assert set(evidence) >= {"source", "start", "end", "scores", "rank", "sha256", "model_id"}
    assert set(evidence["scores"]) == {"bm25", "dense", "rrf"}


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_a_data_class_without_a_rule_is_refused_up_front(
    command: Any, scripted: Any, json: tuple[str, ...]
) -> None:
    scripted(lambda _text: "391")
    outcome = command("ask", "What is 17 times 23?", "--data-class", "restrictd", *json)
    assert outcome.code == 2
    assert "nearest one that has is 'restricted'" in outcome.err + outcome.out
    assert "no runs yet" in command("runs", "list").err
