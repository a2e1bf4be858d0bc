"""Options are composed by Hydra in one place; what users call classes and columns stays text."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from skiagram.composition import SEVERAL, Composition
from skiagram.errors import OptionError
from skiagram.options import read_option_file

REPOSITORY = Path(__file__).parents[1]
ROWS = yaml.safe_load(Path(__file__).with_name("option_rows.yaml").read_text())
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


def test_each_row_of_a_sweep_has_its_own_choices(tmp_path):
    options = own_project(tmp_path)
    rows = [replace(options, changes={"design": design}) for design in ("holdout", "cv")]
    assert options.compose_stage("ingest")["design"] == "cv"
    assert [row.compose_stage("ingest")["design"] for row in rows] == ["holdout", "cv"]
    word = rows[0].compose_stage("ingest", ["params.design=own"])
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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["dataset=absent"], "no config conf/dataset/absent.yaml. Allowed: own"),
        (["dataset=breastmnist"], "Do this: `skiagram init breastmnist.npz` adds it"),
        (["verbose"], "missing EQUAL"),
        (["+experiment=absent"], "no config conf/experiment/absent.yaml"),
    ],
)
def test_a_word_that_composes_nothing_is_one_line(tmp_path, words, told):
    with pytest.raises(OptionError, match=told) as refused:
        own_project(tmp_path).compose_stage("ingest", words)
    assert "\n" not in str(refused.value)


def files_of(group):
    folder = REPOSITORY / "conf" / group
    return sorted(
        path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml")
    )


@pytest.mark.slow
@pytest.mark.parametrize("group", STAGE_OF)
def test_every_option_file_composes_to_the_values_that_stand_in_it(group):
    """All files of a group are composed at once: a composition takes longer than its files."""
    options, names = Composition(REPOSITORY), files_of(group)
    values = {name: read_option_file(REPOSITORY / f"conf/{group}/{name}.yaml") for name in names}
    if group not in SEVERAL:
        for name in names:  # a file that puts itself elsewhere
            assert "@package" not in (REPOSITORY / f"conf/{group}/{name}.yaml").read_text(), name
        words = [f"+{group}@each.file{place}={name}" for place, name in enumerate(names)]
        composed = options.compose_stage(STAGE_OF[group], words)["each"]
        assert composed == {f"file{place}": values[name] for place, name in enumerate(names)}
        return
    members = {}  # a file is of one member, by its name, or of several
    for name, found in values.items():
        members |= {name.rpartition("/")[2]: found} if "_target_" in found else found
    composed = options.compose_stage(STAGE_OF[group], [f"{group}=[{','.join(names)}]"])
    assert composed[SEVERAL[group]] == members


@pytest.mark.parametrize("address", ROWS["found"])
def test_an_option_has_one_address(address):
    assert Composition(REPOSITORY).find_option(address) == ROWS["found"][address]


@pytest.mark.parametrize("address", ROWS["told"])
def test_a_wrong_address_gets_the_nearest_right_one(address):
    with pytest.raises(OptionError, match=ROWS["told"][address]):
        Composition(REPOSITORY).find_option(address)


@pytest.mark.parametrize("row", ROWS["taken"], ids=str)
def test_a_stage_takes_the_address_that_a_run_takes(row):
    options = Composition(REPOSITORY).compose_stage(row["stage"], row["words"])
    for name in row["option"].split("."):
        options = options[name]
    assert options == row["value"]


@pytest.mark.parametrize("row", ROWS["refused"], ids=str)
def test_a_wrong_word_of_a_stage_gets_the_nearest_right_one(row):
    with pytest.raises(OptionError, match=row["said"]):
        Composition(REPOSITORY).compose_stage("train_baseline", row["words"])
