"""A package is checked whole before anything of it is used, and says what it was not tested on."""

import hashlib
import json
import shutil
import zipfile
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skiagram.deploy import card
from skiagram.deploy.card import RunRecords
from skiagram.deploy.model import load_model
from skiagram.deploy.package import opened_model, opened_package, pack, read_card, works_on_nothing
from skiagram.errors import DataError
from skiagram.evaluation.sentences import say
from skiagram.fitting.deployment import DEPLOYMENT, Deployment, write_checksums
from skiagram.preparation import PREPARATION, Preparation
from skiagram.projects import files
from skiagram.records.files import read_record, write_record, write_table
from skiagram.records.predictions import PREDICTIONS, digest_scores, folder_of
from tests.deploy.scored import predict
from tests.deploy.trained import TASK
from tests.report.examples_of_findings import at_chance
from tests.yaml_rows import read_rows

STORED = Path(__file__).parent / "packages"


@pytest.fixture(scope="session")
def packed(baseline, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    copy = shutil.copytree(baseline.model, folder / "models/logistic_regression")
    write_checksums(copy)
    pack(copy, folder / "model.skiagram")
    return folder / "model.skiagram"


def test_the_command_makes_a_package_and_shows_its_card(packed, tmp_path, terminal):
    model = packed.parent / "models/logistic_regression"
    line = f"package {model} -o {tmp_path}/a.skiagram"
    terminal.says(f"{line} --use 'Phantoms alone.'", "Its card has no figures")
    terminal(line, 2)
    terminal(f"package {model} -o {tmp_path}/a.zip", 2)
    card = (
        "Logistic regression | Intended use: Phantoms alone. | no medical device | "
        "Figures Not known | Not tested on Images outside the ranges under *Expected input*. | "
        "16 bits in place of 8 and, for some networks, another size are refused. | "
        "Every checksum holds. | 24 | 20 pixels"
    )
    terminal.says(f"show {tmp_path}/a.skiagram", card)
    terminal.says(f"show {model}", "Not tested on")


def test_what_a_killed_packing_left_is_removed_by_the_next(packed, tmp_path, terminal):
    (tmp_path / ".svm.skiagram.partial").write_bytes(b"PK half")
    terminal(f"package {packed.parent}/models/logistic_regression -o {tmp_path}/svm.skiagram")
    assert [path.name for path in tmp_path.iterdir()] == ["svm.skiagram"]


def rewritten(source, target, change):
    """Write a package anew with its files changed; a name beginning with `+` is deflated."""
    with zipfile.ZipFile(source) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            kind = zipfile.ZIP_DEFLATED if name.startswith("+") else zipfile.ZIP_STORED
            archive.writestr(name.removeprefix("+"), content, kind)
    return target


def manifest(files, **changed):
    """Change what a package says of itself."""
    values = json.loads(files["package.json"]) | changed
    files["package.json"] = json.dumps(values, indent=2, sort_keys=True).encode()


def foreign(files, target):
    """Name a class of another library, or none, and write all checksums anew."""
    values = json.loads(files["model/deployment.json"])
    values["options"]["_target_"] = target
    if target is None:
        del values["options"]["_target_"]
    files["model/deployment.json"] = json.dumps(values).encode()
    inner = json.loads(files["model/checksums.json"])
    inner["deployment.json"] = hashlib.sha256(files["model/deployment.json"]).hexdigest()
    files["model/checksums.json"] = json.dumps(inner).encode()
    sums = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in files.items()
        if name != "package.json"
    }
    manifest(files, sha256=sums)


def spoil(files, row):
    """Change the files of a package as a row says."""
    times = row.get("times", 1)
    files.update({name: text.encode() * times for name, text in row.get("files", {}).items()})
    files.pop(row.get("without"), None)
    if "manifest" in row:
        manifest(files, **row["manifest"])
    if "target" in row:
        foreign(files, row["target"])


HOSTILE = read_rows(__file__, "hostile")


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_package_is_refused_by_name(kind, packed, tmp_path, terminal):
    row = HOSTILE[kind]
    target = rewritten(packed, tmp_path / "model.skiagram", partial(spoil, row=row))
    before = sorted(tmp_path.rglob("*"))
    said = terminal(f"show {target}", 4)
    assert row["says"] in said
    assert said.count("\n") == 1
    assert said.startswith(str(target))
    assert "unpacked" not in said
    terminal(f"predict {target} a.png -o {tmp_path}/t.csv", 4)
    assert sorted(tmp_path.rglob("*")) == before


def test_every_altered_byte_is_found(packed, tmp_path):
    whole = packed.read_bytes()
    target = tmp_path / "model.skiagram"
    with zipfile.ZipFile(packed) as archive:
        headers = {entry.header_offset for entry in archive.infolist()}
    draw = np.random.default_rng(0)
    for at in draw.integers(0, len(whole), 60).tolist() + sorted(headers)[:3]:
        content = bytearray(whole)
        content[at] ^= 0xFF
        target.write_bytes(content)
        # What is not refused can only be a byte that means nothing, such as a date.
        with (
            suppress(DataError),
            opened_package(target) as opened,
            opened_package(packed) as sound,
        ):
            assert opened[0] == sound[0]


def test_a_link_and_a_cut_file_are_refused(packed, tmp_path):
    target = tmp_path / "link.skiagram"
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("package.json", "{}")
        entry = zipfile.ZipInfo("model/link")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(DataError, match="a link or a device"), opened_package(target):
        pass
    target.write_bytes(packed.read_bytes()[:5000])
    with pytest.raises(DataError, match="no whole package"), opened_package(target):
        pass


def test_a_model_that_is_not_there_gets_the_nearest_that_is(packed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a project here would offer its models
    misspelt = packed.with_name(f"{packed.stem}s{packed.suffix}")
    with pytest.raises(DataError, match=rf"no such model.*did you mean `{packed}`\?$"):
        read_card(misspelt)
    (tmp_path / "project/models/svm").mkdir(parents=True)
    (tmp_path / "project/models/svm/deployment.json").touch()
    with pytest.raises(DataError, match=r"a folder of models\. Allowed: `.*project/models/svm`"):
        load_model(tmp_path / "project")
    with pytest.raises(DataError, match=r"no such model.*the folder models/NAME"):
        read_card(packed.parent / "nowhere/svm")


def test_a_stored_package_of_this_major_version_still_loads(monkeypatch):
    """Of 0.2.0 and never made again: a change that breaks it names another oldest version."""
    stored = json.loads((STORED / "expected.json").read_text())
    film = STORED / "film.png"
    for here in ("0.2.0", "0.7.3"):
        monkeypatch.setattr(files, "version", lambda _, here=here: here)
        with opened_model(STORED / "logistic_regression.skiagram") as model:
            rows = predict(model, [film]).rows
        np.testing.assert_allclose(rows, [stored], rtol=0, atol=1e-9)
    monkeypatch.setattr(files, "version", lambda _: "1.0.0")
    with (
        pytest.raises(DataError, match=r"made by skiagram 0\.2\.0, this is 1\.0\.0"),
        opened_model(STORED / "logistic_regression.skiagram"),
    ):
        pass


def test_who_scores_new_cases_is_told_that_no_model_worked(packed, tmp_path):
    assert not works_on_nothing(packed)
    told = {"title": "Figures", "lines": [say("answer.nothing_works")], "table": []}
    changed = rewritten(packed, tmp_path / "a.skiagram", lambda files: manifest(files, card=[told]))
    assert works_on_nothing(changed)
    told["lines"] = ["No model works on these data: none is shown to beat chance."]  # of 0.2.0
    before = rewritten(packed, tmp_path / "b.skiagram", lambda files: manifest(files, card=[told]))
    assert works_on_nothing(before)
    model = tmp_path / "models/svm"
    assert not works_on_nothing(model)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/evaluation.json").write_text(
        json.dumps({"verdict": say("answer.nothing_works")})
    )
    assert works_on_nothing(model)
    assert works_on_nothing(tmp_path / "combined/models/voting")


def test_a_card_has_no_figures_of_another_run(baseline, tmp_path, terminal):
    """A model of the same name in another project lent its figures."""
    evaluation = replace(at_chance(), task=TASK)
    write_record(evaluation, tmp_path / "reports/evaluation.json")
    own = read_record(Preparation, baseline.model / PREPARATION)
    kept = tmp_path / "data/preparation" / PREPARATION
    line = f"package {baseline.model} -o {tmp_path}/a.skiagram --project {tmp_path}"
    write_record(replace(own, image_digests="0" * 32), kept)
    terminal.says(line, "a run on another task or on other images", 4)
    write_record(own, kept)
    terminal(line)
    write_record(at_chance(), tmp_path / "reports/evaluation.json")  # of other classes
    terminal(f"{line} --force", 4)


def test_the_card_of_a_model_at_chance_says_so_and_gives_no_slope():
    evaluation = at_chance()
    run = RunRecords(None, evaluation, evaluation.models[0])
    figures, *_ = card._figures(run, evaluation.models[0].outcome.model)
    assert figures.lines[0] == say("answer.nothing_works")
    assert not [row for row in figures.table if "calibration" in row[0]]


def test_a_card_has_no_figures_of_an_earlier_training(baseline, tmp_path):
    """A model that was trained anew, and not evaluated since, had the figures of the old one."""
    deployment = read_record(Deployment, baseline.model / DEPLOYMENT)
    evaluation = at_chance()
    of_model = {"model": deployment.model, "options": deployment.options}
    outcome = replace(evaluation.models[0].outcome, **of_model)
    scores = pd.DataFrame({"case_id": ["a", "b"], "score_1": [0.25, 0.5]})
    result = replace(evaluation.models[0], outcome=outcome, scores_digest=digest_scores(scores))
    evaluation = replace(evaluation, task=deployment.task, models=(result,))
    write_record(evaluation, tmp_path / "reports/evaluation.json")
    for shift in (0, 0.125):
        scores["score_1"] += shift
        write_table(scores, folder_of("scores", tmp_path, outcome) / PREDICTIONS)
        run = card._read_run(baseline.model, tmp_path, deployment)
        assert (run.result is None) == bool(shift)
