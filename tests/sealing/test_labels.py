"""Who may open the seal, and that each opening is noted; how is tested with the command `seal`."""

import ast

from tests import REPOSITORY

SOURCES = REPOSITORY / "src" / "skiagram"


def test_only_evaluation_and_sweeps_open_the_seal_and_no_other_module_names_its_file():
    openers, named = {}, set()
    for path in SOURCES.rglob("*.py"):
        text = path.read_text()
        if not any(word in text for word in ("open_labels", "labels.parquet", "labels.age")):
            continue
        name = path.relative_to(SOURCES).as_posix()
        nodes = list(ast.walk(ast.parse(text)))
        calls = {
            node.func.id
            for node in nodes
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        texts = [node.value for node in nodes if isinstance(node, ast.Constant)]
        plain = [one for one in texts if isinstance(one, str) and "\n" not in one]
        if any("labels.parquet" in one or "labels.age" in one for one in plain):
            named.add(name)
        if "open_labels" in calls:
            openers[name] = calls
    assert set(openers) == {
        "steps/evaluation_inputs.py",
        "steps/validate.py",
    }
    assert all("note_opening" in calls for calls in openers.values())
    assert "sealing/labels.py" in named
    assert named <= {"sealing/labels.py", "datasets/folder/option_file.py", "cli/seal.py"}
