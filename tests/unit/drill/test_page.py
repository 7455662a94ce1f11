import re
import xml.etree.ElementTree as ET

import pytest
from jinja2 import UndefinedError

from recovery.drill import page as room
from recovery.drill.page import losses_first, page
from recovery.drill.verdict import make_report
from recovery.errors import RecoveryError
from tests.unit.drill.courses import check, course, line, without

ENDS = {
    "recovered": lambda: make_report(course()),
    "recovered with findings": lambda: make_report(course(findings=["root: flows: 1 lost"])),
    "not recovered": lambda: make_report(
        without(course(back=0), "all clients served"), RecoveryError("dpkg refused", hint="look")
    ),
    "nothing known": lambda: make_report(
        course(loss=None, manifest=None, checks=[], fidelity=[], server_kind="", enrolled=0),
        RecoveryError("no network", step="set the stage"),
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_end_has_a_page_that_needs_nothing_else(end):
    text = page(ENDS[end]())
    assert not re.search(r"(src|href)\s*=|url\(|@import|<script|<link|<iframe", text)
    assert "default-src 'none'" in text


@pytest.mark.parametrize("end", list(ENDS)[:3])
def test_the_verdict_comes_first(end):
    body = page(ENDS[end]()).split("<main>")[1]
    first = re.search(r"<h1>(.*?)</h1>", body)
    assert first is not None
    assert first[1].lower() == end
    assert body.index("</h1>") < body.index("RTO") < body.index("<svg")


@pytest.mark.parametrize("end", ENDS)
def test_drawings_are_well_formed_and_named(end):
    for drawing in re.findall(r"<svg.*?</svg>", page(ENDS[end]()), re.DOTALL):
        root = ET.fromstring(drawing)  # noqa: S314 - our own
        title = root.find("title")
        assert title is not None
        assert title.get("id") == root.get("aria-labelledby")
        assert title.text


def test_words_from_outside_are_only_words():
    nasty = '<img src=x onerror=alert(1)>"&'
    made = course(
        findings=[nasty],
        checks=[check(nasty, "failed", nasty)],
        fidelity=[line(org=nasty, lost=1, missing=[nasty], note=nasty)],
        new_container=nasty,
    )
    text = page(make_report(made, RecoveryError(nasty, step=nasty, target=nasty, hint=nasty)))
    assert "<img" not in text
    assert text.count("&lt;img") >= 9


def test_a_reference_server_is_said_to_be_no_proof():
    line = "not proof for production"
    assert line in page(make_report(course(server_kind="reference")))
    assert line not in page(make_report(course()))


def test_losses_come_first():
    whole, told, lost = line("clients"), line("labels", lost=1, expected=True), line(lost=1)
    added = line("users", added=1)
    assert losses_first([whole, added, told, lost]) == [lost, told, added, whole]


def test_a_value_that_is_missing_is_an_error(monkeypatch):
    view = room._view
    monkeypatch.setattr(room, "_view", lambda report: {**view(report), "report": {}})
    with pytest.raises(UndefinedError):
        page(make_report(course()))


def test_what_was_not_checked_stands_on_the_page():
    report = make_report(course(checks=[check("config: keys", "skipped", "no key was captured")]))
    text = page(report)
    assert "config: keys: no key was captured" in text
    assert all(item.split(":")[0] in text for item in report.not_checked)
