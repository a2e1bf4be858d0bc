"""What counts as other code: each file that the imports of a stage reach."""

import importlib
import sys
import time
from collections import defaultdict
from pathlib import Path
from textwrap import dedent

import pytest

from skiagram.compute import code_digest as code_digest_module
from skiagram.compute.code_digest import code_digest, code_files

PACKAGE = {
    "__init__.py": "",
    "fits.py": '''
        """Fits."""
        from typing import TYPE_CHECKING
        from package.scores import mean
        from package import constants

        if TYPE_CHECKING:
            from package.data import Data

        def fit(data: "Data") -> float:
            """Fit."""
            values = [constants.SCALE * one for one in data.values()]  # scaled
            return mean(values)

        def other() -> float:
            from package.pages import page
            return page()

        def names():
            from package import (
                scores as figures,  # (a comment)
                members,
            )
            return figures, members
        ''',
    "scores.py": """
        def mean(values):
            return total(values) / len(values)

        def total(values):
            return sum(values)

        def unused():
            return 1
        """,
    "constants.py": "SCALE = 2\n",
    "data.py": """
        class Data:
            def values(self):
                return [1, 2]
        """,
    "pages.py": "def page():\n    return 3\n",
    "unused.py": "VALUE = 1\n",
    "members/__init__.py": "",
    "members/listed.py": "VALUE = 1\n",
    "rules.yaml": "least: 1\n",
    "templates/page.html": "<p>1</p>\n",
}


def digest(folder, monkeypatch, **changes):
    root = folder / f"sources{len(list(folder.iterdir()))}"
    (root / "package").mkdir(parents=True)
    for name, text in PACKAGE.items():
        old, new = (
            changes.get(Path(name).stem, ("", "")) if name != "members/__init__.py" else ("", "")
        )
        assert old in text
        path = root / "package" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text.replace(old, new) if old else text + new))
    with monkeypatch.context() as patch:
        patch.syspath_prepend(root)
        patch.delitem(sys.modules, "package", raising=False)
        forget()
        return code_digest("package.fits.fit")


def forget():
    """Have files looked for anew, as by a new process."""
    importlib.invalidate_caches()
    for function in vars(code_digest_module).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()


def test_files_that_no_import_reaches_do_not_count(tmp_path, monkeypatch):
    before = digest(tmp_path, monkeypatch)
    assert digest(tmp_path, monkeypatch, unused=("1", "2")) == before
    # A module that is imported for its types alone runs with whoever makes the object.
    assert digest(tmp_path, monkeypatch, data=("[1, 2]", "[1, 3]")) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"fits": ("return mean(values)", "return -mean(values)")},
        {"scores": ("return sum(values)", "return sum(values[1:])")},
        {"constants": ("2", "3")},
        {"pages": ("return 3", "return 4")},  # imported within a function
        {"listed": ("1", "2")},  # a member of a package that is imported as a whole
        {"__init__": ("", "print()\n")},
        {"rules": ("1", "2")},  # data beside the modules
        {"page": ("1", "2")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_file_that_an_import_reaches_counts(tmp_path, monkeypatch, changes):
    before = digest(tmp_path, monkeypatch)
    assert digest(tmp_path, monkeypatch, **changes) != before


def test_a_name_without_sources_is_refused():
    with pytest.raises(ValueError, match=r"no definition of skiagram\.seeding\.absent"):
        code_digest("skiagram.seeding.absent")


def test_imports_are_followed_through_packages_and_into_this_one(tmp_path, monkeypatch):
    (tmp_path / "relay").mkdir()
    (tmp_path / "relay/__init__.py").write_text("from .inner import work\nfrom . import inner\n")
    text = "from skiagram.seeding import stream\n\ndef work():\n    return stream(0, 'a')\n"
    (tmp_path / "relay/inner.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    assert code_files("relay.work").keys() >= {"relay.inner", "skiagram.seeding"}


@pytest.mark.parametrize(
    "line",
    [
        "import json; import shared.scale",
        "if True: from shared import scale",
        "import json, \\\n    shared.scale",
        "from shared.scale import SCALE",
    ],
)
def test_files_of_a_folder_beside_it_count_however_they_are_imported(tmp_path, monkeypatch, line):
    (tmp_path / "shared").mkdir()  # without an __init__.py, as a folder of own files often is
    (tmp_path / "shared/scale.py").write_text("SCALE = 2\n")
    (tmp_path / "beside.py").write_text(f"{line}\n\ndef work():\n    return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    assert code_files("beside.work").keys() >= {"beside", "shared.scale"}


@pytest.mark.slow
def test_an_installed_library_counts_by_its_recorded_files_at_once():
    started = time.process_time()
    adam = code_digest("torch.optim.AdamW")
    assert time.process_time() - started < 3  # its sources take a minute to follow
    assert adam != code_digest("torch.optim.SGD")
    assert adam != code_digest("torch.optim.AdamW", "pytorch_lightning.callbacks.Timer")
    assert not any(name.startswith("torch") for name in code_files("torch.optim.AdamW"))


def test_versions_of_the_libraries_that_the_code_computes_with_count(tmp_path, monkeypatch):
    text = "import tqdm\nimport sklearn.svm as s\n\ndef fit():\n    return s.SVC, tqdm.tqdm\n"
    (tmp_path / "fitting.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    def upgraded(*libraries):
        versions = {"numpy": "2", "scikit-learn": "1", "scipy": "1", "torch": "2", "tqdm": "4"}
        versions |= dict.fromkeys(libraries, "99")
        known = defaultdict(lambda: "absent", versions)
        monkeypatch.setattr(code_digest_module, "_version", lambda name: (name, known[name]))
        return code_digest("fitting.fit")

    before = upgraded()
    assert upgraded("torch", "tqdm") == before  # one is not imported, the other shows a bar
    assert len({before, *map(upgraded, ("scikit-learn", "scipy", "numpy"))}) == 4


@pytest.mark.slow
def test_a_library_with_another_file_is_another_library(tmp_path, monkeypatch):
    def installed(record):
        folder = tmp_path / f"site{len(list(tmp_path.iterdir()))}"
        for name in ("library", "library-1.dist-info"):
            (folder / name).mkdir(parents=True)
        (folder / "library/__init__.py").write_text("def work(): ...\n")
        about = folder / "library-1.dist-info"
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: library\nVersion: 1\n")
        (about / "RECORD").write_text(f"library/__init__.py,sha256={record},17\n")
        with monkeypatch.context() as patch:
            patch.syspath_prepend(folder)
            patch.delitem(sys.modules, "library", raising=False)
            forget()
            return code_digest("library.work")

    assert installed("a") == installed("a") != installed("b")
