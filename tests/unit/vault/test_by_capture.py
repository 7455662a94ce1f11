"""Points in the order of capture, opened one by one: adopted ones are older than their names."""

from datetime import timedelta

from recovery.vault.by_capture import by_capture
from tests.unit.vault.conftest import BEGIN, manifest_at


def adopted(hours, captured):
    point = manifest_at(hours)
    return point.model_copy(update={"captured_at": BEGIN + timedelta(hours=captured)})


def opened(points, seen):
    for point in sorted(points, key=lambda point: point.point, reverse=True):
        seen.append(point)
        yield point


def test_the_newest_of_usual_points_is_the_only_one_opened():
    seen = []
    points = [manifest_at(hours) for hours in range(5)]
    assert next(by_capture(opened(points, seen))) == points[4]
    assert seen == [points[4]]


def test_an_adopted_point_stands_where_its_content_belongs_not_its_name():
    seen = []
    old, middle, new = manifest_at(0), manifest_at(2), manifest_at(4)
    late, very_late = adopted(6, 1), adopted(7, 3)
    found = by_capture(opened([old, late, middle, very_late, new], seen))
    assert next(found) == new
    assert seen == [very_late, late, new]
    assert list(found) == [very_late, middle, late, old]


def test_a_name_without_a_time_hides_nothing():
    named = manifest_at(1).model_copy(update={"point": "zz"})
    points = [named, manifest_at(3), manifest_at(0)]
    assert [one.captured_at.hour for one in by_capture(opened(points, []))] == [
        (BEGIN + timedelta(hours=hours)).hour for hours in (3, 1, 0)
    ]


def test_of_a_folder_that_was_adopted_twice_the_later_point_comes_first():
    once, again = adopted(6, 1), adopted(7, 1)
    assert list(by_capture(opened([once, again], []))) == [again, once]
