"""What counts as other code: the code that runs, not its words."""

import importlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from skiagram.compute import code_digest as code_digest_module
from skiagram.compute.code_digest import code_digest, code_modules

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
}


def digest(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: tuple[str, str]) -> str:
    root = folder / f"sources{len(list(folder.iterdir()))}"
    (root / "package").mkdir(parents=True)
    for name, text in PACKAGE.items():
        old, new = changes.get(name.removesuffix(".py"), ("", ""))
        assert old in text
        (root / "package" / name).write_text(dedent(text.replace(old, new) if old else text))
    with monkeypatch.context() as patch:
        patch.syspath_prepend(root)
        patch.delitem(sys.modules, "package", raising=False)
        importlib.invalidate_caches()
        return code_digest("package.fits.fit")


@pytest.mark.parametrize(
    "changes",
    [
        {"fits": ('"""Fit."""', '"""Fit a line."""')},
        {"fits": ('"""Fit."""', "")},
        {"fits": ("# scaled", "# twice")},
        {"fits": ('"""Fits."""', '"""All fits."""')},
        {"scores": ("return 1", "return 2")},
        {"pages": ("return 3", "return 4")},
        {"fits": ("return page()", "return -page()")},
    ],
    ids=lambda changes: str(next(iter(changes.values()))),
)
def test_words_and_code_that_does_not_run_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, tuple[str, str]]
) -> None:
    before = digest(tmp_path, monkeypatch)
    assert digest(tmp_path, monkeypatch, **changes) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"fits": ("return mean(values)", "return -mean(values)")},
        {"fits": ("one for one in", "each for each in")},
        {"scores": ("return sum(values)", "return sum(values[1:])")},
        {"scores": ("def total", "print()\n\n        def total")},
        {"constants": ("2", "3")},
        {"data": ("[1, 2]", "[1, 3]")},
    ],
    ids=lambda changes: str(next(iter(changes.values()))),
)
def test_every_line_that_may_run_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, tuple[str, str]]
) -> None:
    before = digest(tmp_path, monkeypatch)
    assert digest(tmp_path, monkeypatch, **changes) != before


def test_a_name_without_sources_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no definition of skiagram\.seeding\.absent"):
        code_digest("skiagram.seeding.absent")


def test_what_a_package_hands_on_is_followed_to_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "relay"
    package.mkdir()
    (package / "__init__.py").write_text("from .inner import work\nfrom . import inner\n")
    (package / "inner.py").write_text("def work():\n    return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "relay.inner" in code_modules("relay.work")


def test_a_module_of_its_own_may_name_this_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "from skiagram.seeding import stream\n\ndef draw():\n    return stream(0, 'a')\n"
    (tmp_path / "alone.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    assert code_modules("alone.draw") >= {"alone", "skiagram.seeding"}


@pytest.mark.slow
def test_an_installed_library_counts_by_its_recorded_files_at_once() -> None:
    started = time.process_time()
    adam = code_digest("torch.optim.AdamW")
    assert time.process_time() - started < 3  # its sources take a minute to follow
    assert adam != code_digest("torch.optim.SGD")
    assert adam != code_digest("torch.optim.AdamW", "pytorch_lightning.callbacks.Timer")
    assert not any(name.startswith("torch") for name in code_modules("torch.optim.AdamW"))


def test_versions_of_the_libraries_that_the_code_computes_with_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "import tqdm\nimport sklearn.svm as s\n\ndef fit():\n    return s.SVC, tqdm.tqdm\n"
    (tmp_path / "fitting.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    def upgraded(*libraries: str) -> str:
        versions = {"numpy": "2", "scikit-learn": "1", "scipy": "1", "torch": "2", "tqdm": "4"}
        versions |= dict.fromkeys(libraries, "99")
        monkeypatch.setattr(code_digest_module, "_version", lambda name: (name, versions[name]))
        code_digest_module._digest.cache_clear()
        return code_digest("fitting.fit")

    before = upgraded()
    assert upgraded("torch", "tqdm") == before  # one is not imported, the other shows a bar
    assert len({before, *map(upgraded, ("scikit-learn", "scipy", "numpy"))}) == 4
    code_digest_module._digest.cache_clear()


@pytest.mark.thorough
def test_a_library_with_another_file_is_another_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def installed(record: str) -> str:
        folder = tmp_path / f"site{len(list(tmp_path.iterdir()))}"
        for name in ("library", "library-1.dist-info"):
            (folder / name).mkdir(parents=True)
        (folder / "library/__init__.py").write_text("def work(): ...\n")
        about = folder / "library-1.dist-info"
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: library\nVersion: 1\n")
        (about / "RECORD").write_text(f"library/__init__.py,sha256={record},17\n")
        with monkeypatch.context() as patch:
            patch.syspath_prepend(folder)
            patch.setattr("sysconfig.get_path", lambda _: str(folder))
            patch.delitem(sys.modules, "library", raising=False)
            importlib.invalidate_caches()
            code_digest_module._packages.cache_clear()
            code_digest_module._recorded_files.cache_clear()
            return code_digest("library.work")

    assert installed("a") == installed("a") != installed("b")


class Sources:
    """A package whose closures are kept in a project of its own, each digest by a new process."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.package, self.project = folder / "sources/package", folder / "project"
        self.package.mkdir(parents=True)
        (self.project / "pipeline").mkdir(parents=True)
        for name, text in PACKAGE.items():
            (self.package / name).write_text(dedent(text))
        self._patch = monkeypatch
        few = [entry for entry in sys.path if "site-packages" not in entry]  # libraries take time
        monkeypatch.setattr(sys, "path", [str(self.package.parent), *few])
        monkeypatch.delenv("DVC_ROOT", raising=False)

    @property
    def notes(self) -> list[Path]:
        return sorted(self.project.glob(".work/pieces/code-*/found.json"))

    def digest(self, *, kept: bool = True) -> str:
        for value in vars(code_digest_module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()
        root = self.project if kept else self.package
        self._patch.setattr(code_digest_module, "_ROOT", root)
        return code_digest("package.fits.fit")

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a file so that neither its size nor its times tell."""
        path = self.package / name
        times = path.stat()
        path.write_text(path.read_text().replace(old, new))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_what_is_kept_never_changes_a_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = Sources(tmp_path, monkeypatch)
    edits: list[Callable[[], object]] = [
        lambda: None,
        lambda: sources.edit("constants.py", "2", "3"),
        lambda: sources.edit("scores.py", "sum(values)", "max(values)"),
        lambda: sources.edit("scores.py", "return 1", "return 9"),
        lambda: sources.edit("constants.py", "3", "2"),
        lambda: (sources.package / "data").mkdir(),
        lambda: (sources.package / "data/__init__.py").write_text("class Data: ...\n"),
        lambda: (sources.package / "data/__init__.py").unlink(),
        lambda: (sources.package / "data.py").unlink(),
    ]
    digests = []
    for edit in edits:
        edit()
        digests.append(sources.digest())
        assert digests[-1] == sources.digest() == sources.digest(kept=False)
    assert digests[2] == digests[3]  # nothing names what was edited
    assert len({*digests}) == 6


def test_files_that_changed_alone_are_followed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = Sources(tmp_path, monkeypatch)
    before = sources.digest()

    def followed(*_: object) -> None:
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(code_digest_module, "_follow", followed)
        assert sources.digest() == before
        sources.edit("pages.py", "return 3", "return 4")  # no code of this closure
        assert sources.digest() == before
        sources.edit("scores.py", "sum(values)", "max(values)")
        with pytest.raises(AssertionError):
            sources.digest()
    assert sources.digest() != before


@pytest.mark.parametrize("damage", ["", "{}", "cut", "flipped"])
def test_a_damaged_note_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    sources = Sources(tmp_path, monkeypatch)
    before = sources.digest()
    assert sources.notes
    for path in sources.notes:
        content = path.read_bytes()
        flipped = content.replace(b'"code": "', b'"code": "f')
        changed = {"cut": content[: len(content) // 2], "flipped": flipped}
        path.write_bytes(changed.get(damage, damage.encode()))
    assert sources.digest() == before
    (sources.project / ".work/pieces").rename(tmp_path / "gone")
    (sources.project / ".work/pieces").write_text("a file where a folder should be")
    assert sources.digest() == before


def test_another_version_of_a_library_counts_though_the_code_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = Sources(tmp_path, monkeypatch)
    (sources.package / "scores.py").write_text("import measuring\nmean = measuring.mean\n")

    def install(version: str) -> None:
        folder = tmp_path / "sources" / f"Measuring-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Name: Measuring\nVersion: {version}\n")
        (folder / "top_level.txt").write_text("measuring\n")
        importlib.invalidate_caches()

    digests = [sources.digest()]
    for version in ("1", "2"):
        shutil.rmtree(tmp_path / "sources/Measuring-1.dist-info", ignore_errors=True)
        install(version)
        digests += [sources.digest(), sources.digest(kept=False)]
    assert len(set(digests)) == 3
