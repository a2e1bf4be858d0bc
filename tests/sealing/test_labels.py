"""Who may open the seal, and that each opening is noted; how is tested with the command `seal`."""

import ast
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "src" / "skiagram"


def called_in(path: Path) -> set[str]:
    """Return the names of functions that a module calls."""
    tree = ast.parse(path.read_text())
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {call.id for call in calls if isinstance(call, ast.Name)}


def test_only_evaluation_and_studies_open_the_seal_and_both_note_it() -> None:
    openers = {
        path.relative_to(SOURCES).as_posix(): called_in(path)
        for path in SOURCES.rglob("*.py")
        if "open_labels" in called_in(path)
    }
    assert set(openers) == {"evaluation/inputs.py", "studies/unsealed_data.py"}
    assert all("note_opening" in calls for calls in openers.values())


def test_no_other_module_names_the_file_of_labels() -> None:
    named = [
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and ("labels.parquet" in node.value or "labels.age" in node.value)
        and "\n" not in node.value
    ]
    assert set(named) <= {"sealing/labels.py", "datasets/folder/option_file.py", "cli/seal.py"}
    assert "sealing/labels.py" in named
