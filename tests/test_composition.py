"""Options are composed in one place; what users call classes and columns stays text."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from skiagram.composition import SEVERAL, Composition
from skiagram.errors import OptionError
from skiagram.options import read_option_file
from skiagram.projects.stage import _run_by_hydra
from tests.yaml_rows import load_yaml

REPOSITORY = Path(__file__).parents[1]
ROWS = load_yaml(Path(__file__).with_name("option_rows.yaml"))
STAGE_OF = {  # group of configs → a stage that reads it
    "combination": "combine",
    "compute": "ingest",
    "dataset": "ingest",
    "encoder": "encode",
    "features": "extract",
    "model": "train_network",
    "proposal": "propose",
    "restoration": "restore",
    "tracking": "record",
    "trainer": "train_network",
}


def own_project(folder, **files):
    """Return the options of a project of one stage, `ingest`, and one data set, `own`."""
    texts = {
        "params.yaml": "dataset: own\ndesign: cv\n",
        "conf/ingest.yaml": "defaults: [params, {dataset: own}, _self_]\n"
        "design: ${params.design}\n",
        "conf/dataset/own.yaml": "title: Own\nsize: 3\n",
    }
    for name, text in (texts | files).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return Composition(folder)


@pytest.fixture
def by_hydra(monkeypatch):
    """Return a function: the options of a stage as Hydra composes them of words that are typed."""

    def compose(options, stage, words):
        composed = []
        monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
        monkeypatch.setattr(sys, "argv", [f"{stage}.py", *words])
        _run_by_hydra(options, stage, lambda values, *_: composed.append(values))
        return composed[0]

    return compose


STAGES = sorted(path.stem for path in (REPOSITORY / "pipeline").glob("*.py"))
STAGES = [name for name in STAGES if (REPOSITORY / f"conf/{name}.yaml").is_file()]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_gets_from_its_files_what_hydra_composes(stage, by_hydra):
    options = Composition(REPOSITORY)
    others = {"model": ["vgg16_transfer"], "features": ["region/ct", "lbp"], "encoder": []}
    chosen = options.list_members(stage)
    members = {group: others.get(group, names) for group, names in chosen.items()}
    words = [
        f"{group}=[{','.join(names)}]" if group in SEVERAL else f"{group}={names[0]}"
        for group, names in members.items()
    ]
    assert options.read_members(stage, words) == members
    assert options.compose_stage(stage, members) == by_hydra(options, stage, words)


@pytest.mark.parametrize(("file", "text", "words"), ROWS["by_hydra"])
def test_hydra_composes_what_is_typed_otherwise(tmp_path, file, text, words):
    files = {"conf/stage.yaml": (REPOSITORY / "conf/stage.yaml").read_text()}
    files["conf/ingest.yaml"] = "defaults: [{dataset: own}]\n"
    plain = own_project(tmp_path, **files)
    assert plain.read_members("ingest", ["dataset=own"]) == {"dataset": ["own"]}
    assert own_project(tmp_path, **files | {file: text}).read_members("ingest", words) is None


def test_names_of_classes_in_an_option_file_are_never_evaluated(tmp_path):
    names = ["${oc.env:HOME}", "${size}", "a\\${x}", "???", "plain"]
    text = yaml.safe_dump({"classes": names, "size": 0.001})
    options = own_project(tmp_path, **{"conf/dataset/own.yaml": text})
    assert options.compose_stage("ingest") == {
        "dataset": {"classes": names, "size": 0.001},
        "design": "cv",
    }


@pytest.mark.parametrize("name", ["my (odd) data's", "a=b", "größe 1,5"])
def test_a_data_set_may_have_any_name(tmp_path, name):
    files = {"params.yaml": yaml.safe_dump({"dataset": [name], "design": "cv"})}
    options = own_project(tmp_path, **files, **{f"conf/dataset/{name}.yaml": "title: Odd\n"})
    assert options.compose_stage("ingest")["dataset"] == {"title": "Odd"}


def test_each_row_of_a_sweep_has_its_own_choices(tmp_path, by_hydra):
    options = own_project(tmp_path)
    rows = [replace(options, changes={"design": design}) for design in ("holdout", "cv")]
    assert options.compose_stage("ingest")["design"] == "cv"
    assert [row.compose_stage("ingest")["design"] for row in rows] == ["holdout", "cv"]
    word = by_hydra(rows[0], "ingest", ["params.design=own"])
    assert (word["design"], rows[0].compose_stage("ingest")["design"]) == ("own", "holdout")


def test_changes_of_a_row_go_where_their_files_go(tmp_path):
    options = own_project(tmp_path)
    changes = {"design": "holdout", "conf.dataset.own.size": 5, "conf.dataset.other.size": 6}
    changed = Composition(options.root, changes)
    expected = {"dataset": {"title": "Own", "size": 5}, "design": "holdout"}
    assert changed.compose_stage("ingest") == expected
    assert changed.read_file("dataset", "own") == expected["dataset"]
    assert options.compose_stage("ingest")["design"] == "cv"
    with pytest.raises(OptionError, match="seed: no such choice"):
        _ = Composition(options.root, {"seed": 1}).choices
    with pytest.raises(OptionError, match=r"conf\.dataset\.own\.title: has no options to change"):
        Composition(options.root, {"conf.dataset.own.title.x": 1}).compose_stage("ingest")


def test_a_model_that_is_not_there_gets_the_nearest_one(tmp_path):
    options = own_project(tmp_path, **{"conf/model/elastic_net.yaml": "size: 1\n"})
    with pytest.raises(OptionError, match="did you mean `elastic_net`"):
        options.read_file("model", "elastic_nets")


def test_a_file_of_a_group_takes_no_other_along(tmp_path):
    options = own_project(tmp_path, **{"conf/dataset/own.yaml": "defaults: [other]\n"})
    with pytest.raises(OptionError, match=r"conf/dataset/own\.yaml: `defaults` takes other files"):
        options.compose_stage("ingest")


@pytest.mark.parametrize(("word", "told"), ROWS["no_composition"])
def test_a_word_that_composes_nothing_is_one_line(tmp_path, word, told, by_hydra):
    with pytest.raises(OptionError, match=told) as refused:
        by_hydra(own_project(tmp_path), "ingest", [word])
    assert "\n" not in str(refused.value)


def files_of(group):
    folder = REPOSITORY / "conf" / group
    return sorted(
        path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml")
    )


@pytest.mark.slow
@pytest.mark.parametrize("group", STAGE_OF)
def test_every_option_file_composes_to_the_values_that_stand_in_it(group, by_hydra):
    """All files of a group are composed at once: a composition takes longer than its files."""
    options, names = Composition(REPOSITORY), files_of(group)
    values = {name: read_option_file(REPOSITORY / f"conf/{group}/{name}.yaml") for name in names}
    if group not in SEVERAL:
        for name in names:  # a file that puts itself elsewhere
            assert "@package" not in (REPOSITORY / f"conf/{group}/{name}.yaml").read_text(), name
        words = [f"+{group}@each.file{place}={name}" for place, name in enumerate(names)]
        composed = by_hydra(options, STAGE_OF[group], words)["each"]
        assert composed == {f"file{place}": values[name] for place, name in enumerate(names)}
        return
    members = {}  # a file is of one member, by its name, or of several
    for name, found in values.items():
        members |= {name.rpartition("/")[2]: found} if "_target_" in found else found
    composed = by_hydra(options, STAGE_OF[group], [f"{group}=[{','.join(names)}]"])
    assert composed[SEVERAL[group]] == members


@pytest.mark.parametrize("address", ROWS["found"])
def test_an_option_has_one_address(address):
    assert Composition(REPOSITORY).find_option(address) == ROWS["found"][address]


@pytest.mark.parametrize(
    "address",
    [  # to know a network's options imports PyTorch, which takes seconds
        pytest.param(address, marks=[pytest.mark.slow] * address.startswith("small_cnn"))
        for address in ROWS["told"]
    ],
)
def test_a_wrong_address_gets_the_nearest_right_one(address):
    with pytest.raises(OptionError, match=ROWS["told"][address]):
        Composition(REPOSITORY).find_option(address)


@pytest.mark.parametrize("row", ROWS["taken"], ids=str)
def test_a_stage_takes_the_address_that_a_run_takes(row, by_hydra):
    options = by_hydra(Composition(REPOSITORY), row["stage"], row["words"])
    for name in row["option"].split("."):
        options = options[name]
    assert options == row["value"]


@pytest.mark.parametrize("row", ROWS["refused"], ids=str)
def test_a_wrong_word_of_a_stage_gets_the_nearest_right_one(row, by_hydra):
    with pytest.raises(OptionError, match=row["said"]):
        by_hydra(Composition(REPOSITORY), "train_baseline", row["words"])
