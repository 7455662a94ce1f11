import signal

import pytest

from server_app.cli.stopping import ending


@pytest.fixture
def handlers():
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_while_the_first_is_handled_does_nothing(second, monkeypatch):
    event = ending()
    calls = []

    def end():
        calls.append("set")
        signal.raise_signal(second)
        type(event).set(event)

    monkeypatch.setattr(event, "set", end)
    signal.raise_signal(signal.SIGTERM)
    assert event.is_set()
    assert calls == ["set"]
