"""Reference clients against a served reference server."""

import copy
import threading
import time

import pytest
import yaml

from server_app.client import run, run_many


@pytest.fixture
def client_config(recorded):
    def make(port, **changed):
        config = copy.deepcopy(yaml.safe_load((recorded / "client.config.yaml").read_text()))
        given = {"server_urls": [f"https://localhost:{port}/"], "max_poll": 1, "max_poll_std": 1}
        config["Client"].update({**given, **changed})
        return config

    return make


@pytest.fixture
def clients(tmp_path):
    """clients(config, name="wb"): a running client; clients(config, many=20): a pool."""
    running = []

    def start(config, name="wb", many=0):
        stop, lines = threading.Event(), []
        options = {"stop": stop, "log": lines.append}
        if many:
            arguments = (config, tmp_path / name, many)
            thread = threading.Thread(target=run_many, args=arguments, kwargs=options)
        else:
            arguments = (config, tmp_path / f"{name}.yaml")
            thread = threading.Thread(target=run, args=arguments, kwargs=options)
        thread.start()

        def end():
            stop.set()
            thread.join(20)
            assert not thread.is_alive()

        running.append(end)
        start.lines, start.end = lines, end
        return lines

    yield start
    for end in running:
        end()


@pytest.fixture
def until():
    def wait(found, seconds=30.0):
        """The first truthy answer; fails after so many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if answer := found():
                return answer
            time.sleep(0.05)
        raise AssertionError(f"still not so after {seconds} s")

    return wait
