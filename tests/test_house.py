"""The house itself: packaging, the direction of imports, and an import that is free."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import site
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

import pilotfish

ROOT = Path(pilotfish.__file__).parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PYPROJECT["tool"]["setuptools"]["packages"]
HEAVY = {
    "torch",
    "transformers",
    "chromadb",
    "sentence_transformers",
    "langgraph",
    "langchain_core",
    "sympy",
    "searoute",
}

BELOW: dict[str, set[str]] = {
    "tracing": set(),
    "prompts": set(),
    "tools": set(),
    "models": {"tracing", "prompts"},
}
BELOW["retrieval"] = BELOW["router"] = BELOW["models"] | {"models"}
BELOW["rollout"] = {"models", "tracing"}
BELOW["agents"] = BELOW["router"] | {"router", "retrieval", "rollout", "tools"}
BELOW["testing"] = BELOW["agents"] | {"agents"}
BELOW["demos"] = BELOW["agents"] | {"agents"}
BELOW["lab"] = BELOW["agents"] | {"agents", "demos", "testing"}
BELOW["cli"] = BELOW["lab"] | {"lab"}


def folders() -> list[Path]:
    return [path.parent for path in ROOT.glob("*/__init__.py")]


def test_every_folder_with_an_init_is_a_listed_package() -> None:
    assert {"pilotfish"} | {f"pilotfish.{folder.name}" for folder in folders()} == set(PACKAGES)


def test_the_root_holds_only_the_init() -> None:
    assert [path.name for path in ROOT.glob("*.py")] == ["__init__.py"]
    assert (ROOT / "py.typed").exists()


@pytest.mark.parametrize("folder", [folder.name for folder in folders()])
def test_imports_point_down_only(folder: str) -> None:
    wrong: list[str] = []
    for path in (ROOT / folder).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 2 and node.module:
                target = node.module.split(".")[0]
                if target not in BELOW[folder]:
                    wrong.append(f"{folder}/{path.name} imports {target}")
            elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pilotfish":
                wrong.append(f"{folder}/{path.name} imports pilotfish absolutely")
    assert not wrong


@pytest.mark.parametrize("command", ["import pilotfish", "from pilotfish.cli.main import main; main()"])
def test_start_up_loads_nothing_heavy(command: str) -> None:
    code = (
        f"import sys, atexit; sys.argv = ['pilotfish', '--help']\n"
        f"atexit.register(lambda: print('LOADED', *sorted({HEAVY!r} & set(sys.modules))))\n{command}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == "LOADED"


def test_public_names_resolve() -> None:
    for name in pilotfish.__all__:
        assert getattr(pilotfish, name).__name__ == name
    assert set(pilotfish.__all__) <= set(dir(pilotfish))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = pilotfish.Nothing  # type: ignore[attr-defined]


def test_every_module_imports() -> None:
    for module in pkgutil.walk_packages([str(folder) for folder in folders()]):
        assert module.name
    for folder in folders():
        for path in folder.glob("*.py"):
            if path.stem != "map":
                importlib.import_module(f"pilotfish.{folder.name}.{path.stem}".removesuffix(".__init__"))


def test_no_generic_name_is_installed_at_the_top() -> None:
    assert all(name == "pilotfish" or name.startswith("pilotfish.") for name in PACKAGES)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the sdist, the way a release is."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


def test_the_wheel_imports_everything_in_a_clean_venv(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    modules = sorted(
        f"pilotfish.{folder.name}.{path.stem}".removesuffix(".__init__")
        for folder in folders()
        for path in folder.glob("*.py")
    )
    code = (
        "import importlib, pathlib, pilotfish\n"
        f"assert pathlib.Path(pilotfish.__file__).is_relative_to({str(tmp_path)!r}), pilotfish.__file__\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "root = pathlib.Path(pilotfish.__file__).parent\n"
        "for pattern in ('demos/corpus/*.md', 'demos/data/*', 'prompts/files/*.md', 'router/weights/*', 'py.typed'):\n"
        "    assert list(root.glob(pattern)), pattern\n"
    )
    # The dependencies come from the environment the tests run in; a path there carries no editable install along.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(site.getsitepackages())}
    done = subprocess.run(
        [str(python), "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


ASKS = {
    "invoke", "ainvoke", "stream", "astream", "batch", "abatch", "generate", "agenerate", "generate_prompt",
    "agenerate_prompt", "astream_events", "_generate", "_agenerate", "_stream", "_astream", "with_structured_output",
}  # fmt: skip
"""Methods by which a chat model, or anything else LangChain calls a runnable, is asked."""
MAY_ASK = {
    "models/client.py": ("self.model.ainvoke", "the boundary: checks, guards and records every call"),
    "models/structured.py": ("model.invoke model.ainvoke", "LangChain's with_structured_output, for users"),
    "models/local_chat.py": ("self._stream self._astream", "an engine: its own streams make its answers"),
    "models/openai_engine.py": ("super()._agenerate", "an engine: what needs the SDK goes through it"),
    "models/transformers_engine.py": ("loaded.model.generate", "an engine: torch's own generate"),
    "agents/agent.py": ("graph.ainvoke", "the run graph"),
    "agents/execution.py": ("subtask_graph().ainvoke", "the subtask graph"),
    "agents/tool_lane.py": ("tool.ainvoke", "a tool"),
    "retrieval/langchain.py": ("self._retriever.invoke", "a retriever"),
    "cli/main.py": ("context.command.invoke", "a command"),
    "cli/watch.py": ("agent.astream", "the events of a run"),
    "lab/tasks_carry.py": ("run_graph(services).ainvoke", "the run graph"),
    "lab/bench_boundary.py": (
        "others.ainvoke chat.ainvoke",
        "what stands beside the boundary, to measure what it costs, over a scripted server",
    ),
    "lab/bench_overhead.py": (
        "by_hand.ainvoke step.ainvoke chat.ainvoke",
        "the hand-written graph to compare with, over a scripted model",
    ),
    "testing/chat.py": ("self._generate", "a fake's own answer"),
    "testing/model_conformance.py": ("model.astream", "the check that a user's model streams"),
    "testing/services.py": ("run_graph(services).ainvoke", "the run graph"),
}
"""Every place in the library that asks something, as the code writes it, and why it may."""
MEASURED = "lab/bench_boundary.py"
"""It times the boundary against what it stands in front of; the server is its own."""
MODEL_LIBRARIES = {"openai", "langchain_openai", "xllamacpp", "llama_cpp", "anthropic", "vllm"}


def library() -> list[Path]:
    return [path for folder in folders() for path in folder.glob("*.py")]


def test_a_chat_model_is_asked_only_at_the_boundary() -> None:
    found: dict[str, set[str]] = {}
    for path in library():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ASKS:
                found.setdefault(path.relative_to(ROOT).as_posix(), set()).add(ast.unparse(node))
    assert found == {place: set(asks.split()) for place, (asks, _why) in MAY_ASK.items()}


def test_no_method_that_asks_is_looked_up_by_its_name() -> None:
    for path in library():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "getattr",
                "attrgetter",
                "methodcaller",
            ):
                names = {each.value for each in node.args if isinstance(each, ast.Constant)}
                assert not names & ASKS, f"{path}:{node.lineno}"


def test_clients_of_models_are_made_in_known_places_and_their_libraries_loaded_in_models() -> None:
    makers: set[str] = set()
    for path in library():
        place = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "ModelClient":
                makers.add(place)
            modules = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom) and not node.level
                else []
            )
            if {module.split(".")[0] for module in modules} & MODEL_LIBRARIES:
                assert place.startswith("models/") or place == MEASURED, f"{place} imports {modules}"
    # The caller records for a run, the policy through what a run gives it; the third shows a model to be usable.
    assert makers == {"agents/caller.py", "router/llm.py", "testing/model_conformance.py", MEASURED}
