"""Shards of a folder's images: equal bytes wherever they are read, few that change with a file."""

import pytest

from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.datasets import ingest as ingest_module
from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.image_store.store import ImageStore
from skiagram.options import build, read_option_file
from skiagram.restoration.restore import restore_store
from tests import REPOSITORY
from tests.datasets.own_folders import png, row, source_of, write_folder
from tests.folders import digest_files

CONF = REPOSITORY / "conf"


def own_films(place, count):
    """Write a folder of so many films, or more films into it, and its table."""
    names = [f"film-{at:03d}.png" for at in range(count)]
    rows = [row(at, name) for at, name in enumerate(names)]
    new = {name: png(at) for at, name in enumerate(names) if not (place / "films" / name).exists()}
    return write_folder(place, new, rows)


def run(source, out):
    """Ingest and restore; return the SHA-256 of the shards of each."""
    ingest(source, "cv", None, IngestFolders(out / "images", out / "cases", out / "sealed"))
    repair = build(read_option_file(CONF / "restoration/repair.yaml"), "restoration")
    restore_store(ImageStore(out / "images"), repair, out / "restored")
    return {
        name: {
            digest for file, digest in digest_files(out / name).items() if file.endswith(".arrow")
        }
        for name in ("images", "restored")
    }


@pytest.mark.slow
@pytest.mark.parametrize("counts", [(30, 33), (37, 30)], ids=str)
def test_a_file_that_is_added_or_taken_out_changes_few_shards(counts, tmp_path, monkeypatch):
    # Some images a shard, as there are in a set of thousands of films.
    monkeypatch.setattr(ingest_module, "_MAX_SHARE", 1 / 3)
    monkeypatch.setattr(ingest_module, "_SHARD_BYTES", 1)
    before, after = (
        run(source_of(own_films(tmp_path / f"own-{count}", count)), tmp_path / f"data-{count}")
        for count in counts
    )
    for name, shards in after.items():
        assert len(shards) > 5
        changed = shards - before[name]
        assert len(changed) <= 2 * abs(counts[0] - counts[1]) + 1  # one more: the table of cases


def test_workers_give_equal_bytes(tmp_path):
    source = source_of(own_films(tmp_path / "own", 150))
    workers = Compute(threads=1, workers=2, backend="local", address=None)
    written = []
    for name, compute in (("alone", IN_PROCESS), ("together", workers)):
        folders = IngestFolders(*(tmp_path / name / part for part in ("images", "cases", "seal")))
        ingest(source, "cv", None, folders, compute)
        written.append(digest_files(tmp_path / name))
    assert written[0] == written[1]
