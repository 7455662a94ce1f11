from recovery.restore.room import too_full


def test_a_full_disk_is_named_once():
    table = "    Avail Mounted on\n 12345678 /var/lib/velo data\n 12345678 /var/lib/velo data\n"
    (told,) = too_full(table)
    assert told.startswith("the disk of /var/lib/velo data is full (12 MB free;")


def test_a_disk_with_room_is_not_told():
    assert too_full("Avail Mounted on\n50000000 /\n") == []


def test_words_instead_of_numbers_are_passed_over():
    assert too_full("Avail Mounted on\n- /proc\n\n") == []
