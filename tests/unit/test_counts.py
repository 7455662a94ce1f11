from recovery.counts import item_name, items, things


def test_one_is_no_plural():
    assert (things(1, "check"), things(0, "check")) == ("1 check", "0 checks")
    assert (things(1, "entry", "entries"), things(2, "entry", "entries")) == (
        "1 entry",
        "2 entries",
    )


def test_items_of_an_inventory():
    assert item_name("hunt_parameters") == "hunt parameters"
    assert items(1, "hunt_parameters") == "1 hunt parameter"
    assert items(2, "user_options") == "2 user options"
    assert items(1, "client_metadata") == "1 client metadata"
