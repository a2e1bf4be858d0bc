"""A remedy asks for what the door takes at which it is shown: each message at each door."""

import argparse
import ast
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import skiagram
from skiagram.cli import main
from skiagram.datasets.folder.roles import ROLES
from skiagram.declared import read_declared
from skiagram.doors import in_words_of, rows_of_doors
from skiagram.errors import DataError

SOURCE = Path(skiagram.__file__).parent
Place = tuple[str, ...]  # module, function; or module, class, method

# An option, but for those in a line of another program; and what says whose option it is.
_OF_OTHERS = re.compile(r"`(?!--|skiagram )[a-z][^`\s]* [^`]*`")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_NAMED_COMMAND = re.compile(r"skiagram (\w+)")
_COLUMN = re.compile(r"columns? `(\w+)`(?! of a table)")
# door → options of messages that a function has for another door: of labels, where nothing is
# trained; of a project, where a new one is made; of a table of labels that has file names
_NEVER_SHOWN = {
    "validate": {
        *("--positive", "--split", "--copies", "--test-sites", "--sealed-labels", "--marks"),
        *("--not-features", "--force-features", "--table"),
    },
    "compare": {"--findings", "--finding-names", "--no-event"},
    "predict": {"--findings", "--finding-names", "--no-event", "--empty-label"},
    "run": {"--renew", "--patient-key", "--manifest-outside"},
    "table": {"--file", "--findings", "--finding-names", "--no-event"},
}


@cache
def _trees():
    """Return module → its syntax tree."""
    files = {file: file.relative_to(SOURCE.parent).with_suffix("") for file in SOURCE.rglob("*.py")}
    names = {file: ".".join(path.parts).removesuffix(".__init__") for file, path in files.items()}
    return {name: ast.parse(file.read_text()) for file, name in names.items()}


@cache
def _definitions():
    """Return the functions, classes, methods and constants of all modules."""
    found = {}
    for module, tree in _trees().items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[module, node.name] = node
            if isinstance(node, ast.ClassDef):
                methods = (each for each in node.body if isinstance(each, ast.FunctionDef))
                found |= {(module, node.name, method.name): method for method in methods}
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
            found |= {(module, each.id): node for each in targets if isinstance(each, ast.Name)}
    return found


@cache
def _imported(module):
    imports = [each for each in ast.walk(_trees()[module]) if isinstance(each, ast.ImportFrom)]
    return {
        name.asname or name.name: (each.module or "", name.name)
        for each in imports
        for name in each.names
    }


def _nodes(place):
    """Yield what runs where a place is reached: of a class its declarations, not its methods."""
    node = _definitions()[place]
    if not isinstance(node, ast.ClassDef):
        yield from ast.walk(node)
        return
    for each in (*node.bases, *node.body):
        if not isinstance(each, ast.FunctionDef) or each.name.startswith("__"):
            yield from ast.walk(each)


@cache
def _names(place):
    """Return the places that are named at a place, and all attributes that are asked for there."""
    named = set()
    attributes = set()
    for node in _nodes(place):
        if isinstance(node, ast.Name):
            own = (place[0], node.id)
            named.add(own if own in _definitions() else _imported(place[0]).get(node.id, own))
        elif isinstance(node, ast.Attribute):
            attributes.add(node.attr)
            if isinstance(node.value, ast.Name):
                module = ".".join(_imported(place[0]).get(node.value.id, ()))
                named.add((module, node.attr))
    return named & _definitions().keys(), attributes


def _reached(start):
    """Return what a function may call; of a class that it names the methods by their names."""
    reached, new, attributes = {start}, {start}, set[str]()
    while new:
        names = [_names(place) for place in new]
        attributes.update(*(each for _, each in names))
        methods = {
            place
            for place in _definitions()
            if len(place) == 3 and place[:2] in reached and place[2] in attributes
        }
        new = set.union(methods, *(each for each, _ in names)) - reached
        reached |= new
    return reached


@cache
def _refusals():
    """Return the key of each row of refusals → its words."""
    rooms = [path.parent.name for path in SOURCE.glob("*/refusals.yaml")]
    rows = {room: read_declared(f"skiagram.{room}", "refusals.yaml") for room in rooms}
    rows["base"] = read_declared("skiagram", "refusals.yaml")
    return {f"{room}.{key}": [*row.values()] for room in rows for key, row in rows[room].items()}


@cache
def _texts(place):
    """Return the texts of a function or constant, of a key those of its row.

    One that is added to is one text.
    """
    node = _definitions()[place]
    if isinstance(node, ast.ClassDef):
        return ()
    texts = []
    begun = {}  # variable → place of the text that is added to
    for statement in ast.walk(node):
        targets = getattr(statement, "targets", [getattr(statement, "target", None)])
        name = getattr(targets[0], "id", "") if targets else ""
        for value in ast.iter_child_nodes(statement):
            if isinstance(value, ast.JoinedStr):
                parts = [getattr(each, "value", "") for each in value.values]
                text = "".join(each if isinstance(each, str) else "X" for each in parts)
            elif isinstance(value, ast.Constant) and isinstance(value.value, str):
                text = value.value
            else:
                continue
            if isinstance(statement, ast.AugAssign) and name in begun:
                texts[begun[name]] += text
            elif not isinstance(statement, ast.Expr | ast.JoinedStr):  # no docstring
                begun[name] = len(texts)
                texts.append(text)
    rows = [words for text in texts for words in _refusals().get(text, ())]
    return (*texts, *(re.sub("{.*?}", "X", words) for words in rows))


@cache
def _taken():
    """Return command → its options."""
    (commands,) = (
        action
        for action in main.parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return {
        name: {word for action in parser._actions for word in action.option_strings}
        for name, parser in commands.choices.items()
    }


def _foreign(text, taken):
    """Return the options in a message that are not taken, and that no named command takes."""
    others = [_taken().get(command, set()) for command in _NAMED_COMMAND.findall(text)]
    known = set.union(taken, *others)
    every = set.union(*_taken().values())
    return {each for each in _OPTION.findall(_OF_OTHERS.sub("", text)) if each in every - known}


# door → columns that its table may have, or that it writes; any other door takes all roles
_COLUMNS = {
    **dict.fromkeys(
        ("apply", "compare", "plan", "extract IMAGE MASK", "skiagram.extract"), frozenset()
    ),
    "extract": {"Image", "Mask", "Label", "region", "label_value", "frame"},
    "predict": {*ROLES, "error", "missing", "unusual"},
}
_FILES = ("apply", "check", "compare", "init", "plan", "predict", "run", "seal", "table")
DOORS = {
    **{name: ((f"skiagram.cli.{name}", "run"),) for name in (*_FILES, "extract", "validate")},
    "extract IMAGE MASK": (("skiagram.radiomics.features", "describe_with"),),
    "skiagram.extract": (
        ("skiagram.radiomics.features", "extract"),
        ("skiagram.readers.voxels", "with_distances"),  # of formats, which are named as texts
        ("skiagram.radiomics.transformer", "RadiomicsFeatures"),
        ("skiagram.radiomics.transformer", "RadiomicsFeatures", "transform"),
    ),
    "skiagram.run": (("skiagram.cli.python_call", "run"),),
}


@pytest.mark.parametrize("door", DOORS)
def test_no_message_asks_for_what_its_door_does_not_take(door):
    taken = _taken().get(door.split()[0], set()) | _NEVER_SHOWN.get(door, set())
    commands = {f"skiagram.cli.{name}" for name in main.COMMANDS}
    reached = set.union(*map(_reached, DOORS[door]))
    shown = {
        in_words_of(door, text)
        for place in reached
        if place[0] not in {*commands, "skiagram.doors"} and place[1] != "OPTIONS"
        for text in _texts(place)
    }
    assert any("mm" in text for text in shown) or door in ("apply", "plan")  # readers are reached
    assert {text: found for text in shown if (found := _foreign(text, taken))} == {}
    named = {name for text in shown for name in _COLUMN.findall(text)} - {"X"}
    assert named <= _COLUMNS.get(door, {*ROLES})


def test_a_row_for_a_door_changes_a_message_that_it_can_show():
    for door, rows in rows_of_doors().items():
        texts = [text for place in set.union(*map(_reached, DOORS[door])) for text in _texts(place)]
        for words in rows:
            assert any(re.search(words, text) for text in texts), f"{door}: {words}"


def test_a_mask_of_two_labels_is_read_with_what_its_message_asks_for_in_python():
    image = np.arange(30.0).reshape(5, 6)
    mask = (image > 9).astype(int) + (image > 19)
    with pytest.raises(DataError, match="label=1"):
        skiagram.extract(image, mask)
    assert skiagram.extract(image, mask, label=1, families=["first_order"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("`--empty-label leave-out`", "`options={'empty_label': 'leave-out'}`"),
        ("`--positive cancer`", "`positive='cancer'`"),
        ("`--missing 9 --empty-label X`", "`options={'missing': '9', 'empty_label': 'X'}`"),
        ("`--classes no yes`", "`options={'classes': ['no', 'yes']}`"),
        ("`--positive 'not well'`", "`positive='not well'`"),
        (
            "`--classes` or `--ignore-unlisted`",
            "`options={'classes': …}` or `options={'ignore_unlisted': True}`",
        ),
        ("name --patient", "name `patients`"),
    ],
)
def test_an_option_of_the_command_is_one_of_the_call_in_python(text, said):
    assert in_words_of("skiagram.run", text) == said
