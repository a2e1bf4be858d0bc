"""Every bad option ends with one line, exit code 2 and nothing written."""

import re

import pytest

from skiagram.composition import CHOSEN_BY
from tests.option_texts import REFUSED
from tests.pipeline.project import REPOSITORY, make_project
from tests.yaml_rows import load_yaml, read_yaml


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """Return a project for all tests of this file: each leaves it as it was."""
    return make_project(tmp_path_factory.mktemp("untouched") / "project")


ROWS = read_yaml(__file__, "refused.yaml")


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['stage']}-{row['words']}")
def test_a_bad_option_is_one_line_and_exit_2(untouched, row):
    data_set = ["dataset=tiny"] if row["stage"] == "ingest" else []
    done = untouched.stage(row["stage"], *data_set, row["words"], code=2)
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert re.search(row["named"], done.stderr)
    assert not any((untouched.folder / name).exists() for name in ("data", "models", "scores"))
    assert [path.name for path in (untouched.folder / "reports").iterdir()] == ["explanations"]


def test_choices_stand_in_params_yaml_alone():
    params = load_yaml(REPOSITORY / "params.yaml")
    for path in sorted((REPOSITORY / "conf").glob("*.yaml")):
        config = load_yaml(path)
        groups = [entry for entry in config.get("defaults", []) if isinstance(entry, dict)]
        chosen = {group: name for entry in groups for group, name in entry.items()}
        for group in {"dataset", "restoration", "compute", "trainer", "tracking"} & chosen.keys():
            assert CHOSEN_BY[group] in params, path.name
        for name in params.keys() & config.get("plan", {}).keys():
            assert config["plan"][name] == f"${{params.{name}}}", path.name
    stages = load_yaml(REPOSITORY / "dvc.yaml")["stages"]
    for name, stage in stages.items():
        words = stage["cmd"].split()[2:]
        axes = stage.get("matrix", {})
        assert words == [f"{axis}=${{item.{axis}}}" for axis in axes], name


STAGES = sorted(path.stem for path in (REPOSITORY / "pipeline").glob("[!_]*.py"))
STAGES = [
    name for name in STAGES if "@stage(ROOT" in (REPOSITORY / f"pipeline/{name}.py").read_text()
]
KINDS = sorted(REFUSED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "file", "kind"),
    [
        *((name, f"conf/{name}.yaml", KINDS[at % len(KINDS)]) for at, name in enumerate(STAGES)),
        ("restore", "params.yaml", "Latin-1"),
        ("restore", "params.yaml", "a Python tag"),
        ("restore", "conf/restoration/repair.yaml", "a tab"),
    ],
)
def test_a_broken_option_file_is_one_line_and_exit_2_in_every_stage(untouched, stage, file, kind):
    path, (content, line) = untouched.folder / file, REFUSED[kind]
    before = path.read_bytes()
    path.write_bytes(content)
    done = untouched.stage(stage)
    path.write_bytes(before)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"{file}, line {line}:" if line else f"{file}:"), done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    written = ("data", "models", "scores", "hacked")
    assert not any((untouched.folder / name).exists() for name in written)
    assert [path.name for path in (untouched.folder / "reports").iterdir()] == ["explanations"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "file", "chosen"),
    [
        ("extract", "conf/features/glcm.yaml", "features=[glcm]"),
        ("encode", "conf/encoder/dinov2_small.yaml", "encoder=[dinov2_small]"),
    ],
)
def test_one_of_several_option_files_that_does_not_say_its_name_is_refused(
    untouched, stage, file, chosen
):
    path = untouched.folder / file
    whole = path.read_text()
    first, _, rest = whole.partition("\n")
    path.write_text(rest)
    done = untouched.stage(stage, chosen)
    path.write_text(whole)
    assert done.returncode == 2, done.stderr
    assert file in done.stderr
    assert first in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ct", "mr", "pet"])
def test_a_file_of_several_families_is_taken(untouched, kind):
    """As `skiagram run` chooses it for volumes with regions; what it lacks are the images."""
    done = untouched.stage("extract", f"features=[region/{kind},acquisition]")
    assert "data/" in done.stderr
    assert "first line" not in done.stderr


@pytest.mark.slow
def test_features_that_the_data_set_cannot_give_are_named(project):
    for stage, *overrides in (("ingest", "dataset=tiny"), ("restore",), ("propose",)):
        project.stage(stage, *overrides, code=0)
    grey = project.stage("extract", "features=[first_order,colour]", code=4)
    assert "`colour` is not defined for 1 channel" in grey.stderr
    bare = project.stage("extract", "features=[first_order,covariates]", code=2)
    assert "the data set has no covariates" in bare.stderr
    assert not (project.folder / "data/features.parquet").exists()
