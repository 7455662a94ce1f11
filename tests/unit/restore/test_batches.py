from dataclasses import dataclass

import pytest

from recovery.restore.batches import batches


@dataclass
class Sized:
    size: int = 1


@pytest.mark.parametrize(
    ("one_first", "sizes"),
    [(False, [50, 75, 113, 170, 192]), (True, [1, 50, 75, 113, 170, 191])],
)
def test_each_batch_is_half_as_large_again_as_the_last(one_first, sizes):
    made = batches((Sized() for _ in range(600)), one_first=one_first)
    assert [len(batch) for batch in made] == sizes


def test_a_batch_has_no_more_files_and_no_more_bytes_than_it_may():
    few = list(batches((Sized() for _ in range(2000)), files=60))
    assert max(len(batch) for batch in few) == 60
    large = list(batches((Sized(10) for _ in range(40)), size=100))
    assert [sum(item.size for item in batch) for batch in large] == [100] * 4
