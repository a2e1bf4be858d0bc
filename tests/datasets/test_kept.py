"""Added files alone are read, restored and described; no byte depends on what was kept."""

from pathlib import Path
from typing import Any

import pytest

from skiagram.compute.pieces import PieceStore
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.datasets import ingest as ingest_module
from skiagram.datasets.file_trees import FolderTree
from skiagram.datasets.folder.source import Folder
from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.features import extraction
from skiagram.features.extraction import extract
from skiagram.image_store.store import ImageStore
from skiagram.options import build, read_option_file
from skiagram.records.cases import Cases
from skiagram.restoration import restore
from skiagram.restoration.restore import restore_store
from tests.datasets.own_folders import OwnFolder, png, row, source_of, write_folder
from tests.datasets.sources import hashes

CONF = Path(__file__).resolve().parents[2] / "conf"
FAMILIES = [
    build(read_option_file(CONF / f"features/{name}.yaml"), name)
    for name in ("first_order", "gradient")
]


def own_films(place: Path, count: int, label: str = "cancer") -> OwnFolder:
    """Write a folder of so many films, or more films into it, and its table."""
    names = [f"film-{at:03d}.png" for at in range(count)]
    rows = [row(at, name) for at, name in enumerate(names)]
    rows[0]["label"] = label
    new = {name: png(at) for at, name in enumerate(names) if not (place / "films" / name).exists()}
    return write_folder(place, new, rows)


def run(source: Folder, out: Path, kept: Path | None) -> dict[str, str]:
    """Ingest, restore and describe; return the SHA-256 of every output."""
    folders = IngestFolders(out / "images", out / "cases", out / "sealed")
    pieces = None if kept is None else PieceStore(kept)
    ingest(source, "cv", None, folders, pieces)
    cases = Cases.read(out / "cases/cases.parquet")
    repair = build(read_option_file(CONF / "restoration/repair.yaml"), "restoration")
    store, target = ImageStore(out / "images"), out / "restored"
    restore_store(store, repair, target, out / "treatment.parquet", cases, pieces=pieces)
    table = extract(ImageStore(target), FAMILIES, pieces=pieces)
    table.write(out / "features.parquet")
    return hashes(out)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Count files read, images restored and images described."""
    counts = {"read": 0, "restored": 0, "described": 0}

    def count(what: str, owner: Any, name: str) -> None:
        work = getattr(owner, name)

        def counted(*given: Any) -> Any:
            counts[what] += 1 if isinstance(given[-1], str) else len(given[-1])
            return work(*given)

        monkeypatch.setattr(owner, name, counted)

    count("read", FolderTree, "read")
    count("restored", restore, "_restore_span")
    count("described", extraction, "_of_span")
    return counts


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have some images a shard, as there are in a set of thousands of films."""
    monkeypatch.setattr(ingest_module, "_MAX_SHARE", 1 / 3)
    monkeypatch.setattr(ingest_module, "_SHARD_BYTES", 1)


def shards(folder: Path) -> set[str]:
    """Return name and number on the disk of each file of images."""
    return {f"{path.name} {path.stat().st_ino}" for path in folder.glob("images-*.arrow")}


def counted(work: dict[str, int]) -> tuple[int, int, int]:
    counts = work["read"], work["restored"], work["described"]
    work.update(read=0, restored=0, described=0)
    return counts


@pytest.mark.thorough
def test_ten_added_files_are_ten_read_and_equal_bytes(tmp_path: Path, work: dict[str, int]) -> None:
    kept, own = tmp_path / "kept", tmp_path / "own"
    run(source_of(own_films(own, 40)), tmp_path / "first", kept)
    assert counted(work) == (40, 40, 40)
    more = source_of(own_films(own, 50))
    with_kept = run(more, tmp_path / "second", kept)
    assert counted(work) == (10, 10, 10)
    assert with_kept == run(more, tmp_path / "anew", None)
    assert counted(work) == (50, 50, 50)
    assert run(more, tmp_path / "third", kept) == with_kept
    assert counted(work) == (0, 0, 0)


@pytest.mark.slow
@pytest.mark.usefixtures("small_shards", "work")
@pytest.mark.parametrize("counts", [(30, 33, 37), (37, 30), (30, 30)], ids=str)
def test_shards_of_equal_images_are_the_same_files(counts: list[int], tmp_path: Path) -> None:
    kept, own = tmp_path / "kept", tmp_path / "own"
    before: dict[str, set[str]] = {}
    for turn, count in enumerate(counts):
        for path in sorted((own / "films").glob("*.png"))[count:]:
            path.unlink()
        source = source_of(own_films(own, count))
        with_kept = run(source, tmp_path / f"turn-{turn}", kept)
        assert with_kept == run(source, tmp_path / f"anew-{turn}", None)
        for name in ("images", "restored"):
            now = shards(tmp_path / f"turn-{turn}" / name)
            assert len(now) > 5
            changed = 0 if turn == 0 else abs(count - counts[turn - 1])
            assert turn == 0 or len(now - before[name]) <= 2 * changed
            before[name] = now


@pytest.mark.slow
def test_an_output_that_was_written_to_is_not_used_again(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    source = source_of(own_films(tmp_path / "own", 12))
    first = run(source, tmp_path / "first", kept)
    for path in (tmp_path / "first").rglob("images-*.arrow"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    assert run(source, tmp_path / "second", kept) == first


def test_workers_give_equal_bytes(tmp_path: Path) -> None:
    source = source_of(own_films(tmp_path / "own", 150))
    workers = Compute(threads=1, workers=2, backend="local", address=None)
    written = []
    for name, compute in (("alone", IN_PROCESS), ("together", workers)):
        folders = IngestFolders(*(tmp_path / name / part for part in ("images", "cases", "seal")))
        ingest(source, "cv", None, folders, None, compute)
        written.append(hashes(tmp_path / name))
    assert written[0] == written[1]


@pytest.mark.slow
def test_another_label_reads_no_pixel(tmp_path: Path, work: dict[str, int]) -> None:
    kept, own = tmp_path / "kept", tmp_path / "own"
    run(source_of(own_films(own, 20)), tmp_path / "first", kept)
    counted(work)
    other = run(source_of(own_films(own, 20, label="normal")), tmp_path / "second", kept)
    assert counted(work) == (0, 0, 0)
    assert other == run(source_of(own_films(own, 20, label="normal")), tmp_path / "anew", None)


def test_a_file_that_changed_is_read_again_and_refused(
    tmp_path: Path, work: dict[str, int]
) -> None:
    kept, own = tmp_path / "kept", tmp_path / "own"
    source = source_of(own_films(own, 12))
    run(source, tmp_path / "first", kept)
    counted(work)
    path = own / "films/film-003.png"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(Exception, match=r"film-003\.png.*changed since the manifest was written"):
        run(source, tmp_path / "second", kept)


@pytest.mark.slow
def test_other_options_make_all_anew(tmp_path: Path, work: dict[str, int]) -> None:
    kept = tmp_path / "kept"
    run(source_of(own_films(tmp_path / "own", 12)), tmp_path / "first", kept)
    counted(work)
    store = ImageStore(tmp_path / "first/restored")
    extract(store, FAMILIES[:1], pieces=PieceStore(kept))
    assert counted(work) == (0, 0, 12)
    extract(store, FAMILIES[:1], pieces=PieceStore(kept))
    assert counted(work) == (0, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("damaged", ["digests.bin", "index.json", "rows.npy", "notes.json"])
def test_what_was_kept_and_is_damaged_is_made_anew(
    damaged: str, tmp_path: Path, work: dict[str, int]
) -> None:
    kept = tmp_path / "kept"
    source = source_of(own_films(tmp_path / "own", 12))
    first = run(source, tmp_path / "first", kept)
    for path in kept.rglob(damaged):
        content = path.read_bytes()
        path.unlink()  # else the output that it is a link of would change too
        path.write_bytes(content[: len(content) // 3])
    assert run(source, tmp_path / "second", kept) == first
