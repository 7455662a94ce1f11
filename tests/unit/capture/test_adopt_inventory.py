"""What an export says of itself, held to what is in it."""

import pytest

from recovery.capture.adopt_inventory import lacking_inside
from recovery.capture.check_zip import ZipContent

ENDED = {"state": 2, "total_collected_rows": 3}


@pytest.mark.parametrize(
    ("contexts", "rows", "found", "listed", "lacks"),
    [
        ([ENDED], 3, 5, 5, ""),
        ([ENDED], 4, 6, 5, ""),
        ([ENDED], 2, 5, 5, "2 of 3 rows"),
        ([ENDED, {"state": "ERROR", "total_collected_rows": "2"}], 4, 0, 0, "4 of 5 rows"),
        ([ENDED], 3, 4, 5, "4 of 5 bytes of uploads"),
        ([{"state": 1, "total_collected_rows": 9}], 3, 0, 0, ""),
        ([{}], 0, 0, 0, ""),
        ([{"state": 2, "total_collected_rows": ["x"]}], 0, 0, 0, ""),
    ],
)
def test_what_an_export_lacks(contexts, rows, found, listed, lacks):
    content = ZipContent(frozenset(), rows, found, listed)
    assert lacking_inside(content, contexts) == lacks
