"""The account of what arrived."""

from ops.simulator.journal import Counts, Journal


def test_requests_stand_in_order_and_are_counted() -> None:
    """What came and what was carried out can be listed and counted apart."""
    journal = Journal()
    first = journal.open(1.0, "create_folder", "1", {"folderName": "a"}, 1)
    journal.open(2.0, "create_folder", "1", {"folderName": "b"}, 2)
    journal.open(3.0, None, None, {}, None)
    journal.note_applied(first)

    assert [entry.n for entry in journal] == [1, 2, 3]
    assert journal.select("create_folder", applied=True) == [first]
    assert len(journal.select(applied=False)) == 2
    assert journal.counts() == {"create_folder": Counts(2, 1), "unknown": Counts(1, 0)}


def test_what_is_carried_out_has_its_turn() -> None:
    """Who arrives first may be held back, and be carried out last."""
    journal = Journal()
    first, second, third = (journal.open(1.0, "edit_course", "1", {}, 1) for _ in range(3))
    journal.note_applied(third)
    journal.note_applied(first)

    assert [entry.turn for entry in (first, second, third)] == [2, None, 1]


def test_applied_requests_are_found_by_their_fields() -> None:
    """Fields are compared as text: a form has "7" where a body has 7."""
    journal = Journal()
    for number in ("7", 7, 8):
        journal.note_applied(journal.open(1.0, "create_folder", "1", {"folderId": number}, 1))
    journal.open(1.0, "create_folder", "1", {"folderId": 7}, 1)

    assert journal.applied("create_folder", folderId=7) == 2
    assert journal.applied("create_folder") == 3
    assert journal.applied("rename_folder") == 0


def test_the_oldest_entries_make_room_but_stay_counted() -> None:
    """A simulator that runs for long does not grow without end."""
    journal = Journal(longest=2)
    for moment in range(5):
        journal.open(moment, "edit_course", "1", {}, None)

    assert [entry.n for entry in journal] == [4, 5]
    assert journal.counts() == {"edit_course": Counts(5, 0)}
