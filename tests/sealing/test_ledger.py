"""The ledger of openings: it counts comparisons, and shows when it was cut, edited or deleted."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from skiagram.sealing.ledger import (
    LEDGER,
    Comparison,
    describe_openings,
    note_opening,
    read_ledger,
    unite_ledgers,
)
from tests import REPOSITORY
from tests.folders import git

FIRST = Comparison("chest", "a" * 64, "evaluate", ("svm", "small_cnn"), "1" * 64)


def compared(number, seal=FIRST.seal):
    return dataclasses.replace(FIRST, digest=f"{number:064d}", seal=seal)


def noted(home, *numbers):
    return [note_opening(home, compared(number), home) for number in numbers]


def lines(home):
    return (home / LEDGER).read_text().splitlines()


def forget(home):
    """Delete the copy in `.work`."""
    (home / ".work" / LEDGER).unlink()


def test_each_comparison_counts_once(tmp_path):
    openings = noted(tmp_path, 1, 2, 1, 3, 2)
    assert [one.number for one in openings] == [1, 2, 1, 3, 2]
    assert len(lines(tmp_path)) == 3
    assert openings[1].previous == (openings[0].hash,)
    assert openings[3].previous == (openings[1].hash,)
    assert read_ledger(tmp_path).faults == ()
    assert read_ledger(tmp_path).heads == (openings[3].hash,)


def test_other_test_images_are_another_seal_in_the_same_chain(tmp_path):
    noted(tmp_path, 1, 2)
    other = note_opening(tmp_path, compared(1, seal="b" * 64), tmp_path)
    assert other.number == 1
    assert len(other.previous) == 1
    said = " ".join(describe_openings(tmp_path, compared(1, seal="b" * 64)))
    assert "opened once" in said
    assert "2 openings were of other test images under the name chest" in said


def test_a_deleted_ledger_is_put_back_from_its_copy(tmp_path):
    noted(tmp_path, 1, 2)
    before = lines(tmp_path)
    (tmp_path / LEDGER).unlink()
    assert noted(tmp_path, 3)[0].number == 3
    assert lines(tmp_path)[:2] == before


def test_an_entry_that_a_kill_kept_from_the_copy_gets_there_when_it_is_noted_again(tmp_path):
    noted(tmp_path, 1, 2)
    before = lines(tmp_path)
    copy = tmp_path / ".work" / LEDGER
    copy.write_text(before[0] + "\n")
    assert noted(tmp_path, 2)[0].number == 2
    assert lines(tmp_path) == before
    assert copy.read_text().splitlines() == before


def test_entries_cut_off_the_end_come_back_from_elsewhere(tmp_path):
    openings = noted(tmp_path, 1, 2, 3)
    shared = lines(tmp_path)
    (tmp_path / LEDGER).write_text(shared[0] + "\n")
    forget(tmp_path)
    assert unite_ledgers(tmp_path, shared) == 2
    assert read_ledger(tmp_path).heads == (openings[2].hash,)
    assert unite_ledgers(tmp_path, shared) == 0


def test_a_line_cut_short_by_a_full_disk_stays_alone(tmp_path):
    noted(tmp_path, 1, 2)
    whole = (tmp_path / LEDGER).read_bytes()
    (tmp_path / LEDGER).write_bytes(whole[:-40])
    assert noted(tmp_path, 3)[0].number == 3  # the second came back from the copy
    assert [fault[:6] for fault in read_ledger(tmp_path).faults] == ["line 2"]


def test_an_entry_taken_from_the_middle_is_missed(tmp_path):
    noted(tmp_path, 1, 2, 3)
    first, _, third = lines(tmp_path)
    (tmp_path / LEDGER).write_text(f"{first}\n{third}\n")
    forget(tmp_path)
    (fault,) = read_ledger(tmp_path).faults
    assert "before opening 3" in fault
    assert "is missing" in " ".join(describe_openings(tmp_path, compared(3)))


def test_an_edited_entry_is_told_by_its_hash_or_missed_by_the_next(tmp_path):
    openings = noted(tmp_path, 1, 2)
    first, second = lines(tmp_path)
    edited = json.dumps(json.loads(second) | {"number": 1}, sort_keys=True)
    (tmp_path / LEDGER).write_text(f"{first}\n{edited}\n")
    assert "line 2 was edited" in " ".join(read_ledger(tmp_path).faults)
    forged = dataclasses.replace(openings[0], comparison=compared(9))  # with a hash of its own
    (tmp_path / LEDGER).write_text(f"{forged.line()}\n{second}\n")
    assert "before opening 2" in " ".join(read_ledger(tmp_path).faults)


@pytest.mark.parametrize("line", ["<<<<<<< HEAD", "{}", "[" * 100_000, "\x00"])
def test_what_is_no_entry_is_named_and_stops_nothing(tmp_path, line):
    noted(tmp_path, 1)
    with (tmp_path / LEDGER).open("a") as file:
        file.write(line + "\n")
    assert noted(tmp_path, 2)[0].number == 2
    assert read_ledger(tmp_path).faults[0].startswith("line 2 was edited or damaged")


def test_two_branches_that_merge_keep_all_openings(tmp_path):
    """Both note a second opening; git sets their lines side by side, as .gitattributes says."""

    def commit(number):
        opening = noted(tmp_path, number)[0]
        git(tmp_path, f"add {LEDGER} .gitattributes", "commit -q -m opened")
        return opening

    git(tmp_path, "init -q -b main")
    attributes = REPOSITORY / ".gitattributes"
    (tmp_path / ".gitattributes").write_text(attributes.read_text())
    commit(1)
    git(tmp_path, "checkout -q -b side")
    side = commit(2)
    git(tmp_path, "checkout -q main")
    forget(tmp_path)  # as on another machine
    main = commit(3)
    git(tmp_path, "merge -q --no-edit side")

    ledger = read_ledger(tmp_path)
    assert ledger.faults == ()
    assert set(ledger.heads) == {side.hash, main.hash}
    after = noted(tmp_path, 4)[0]
    assert after.number == 4
    assert set(after.previous) == {side.hash, main.hash}
    assert after.commit


def test_runs_side_by_side_each_get_a_number(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: noted(tmp_path, number)[0].number, range(12)))
    assert sorted(found) == list(range(1, 13))
    assert read_ledger(tmp_path).faults == ()
    assert len(read_ledger(tmp_path).heads) == 1
