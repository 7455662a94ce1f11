from recovery.drill.life import unfinished


def flow(client, state, flow_id="F.1"):
    return {"Client": client, "Flow": flow_id, "State": state}


def test_nothing_is_unfinished_when_all_ended_and_took_part():
    flows = [flow("C.1", "FINISHED"), flow("C.2", "FINISHED")]
    assert unfinished(flows, flows, {"C.1", "C.2"}, "H.1") == []


def test_a_running_flow_is_named_with_its_state():
    flows = [flow("C.1", "RUNNING")]
    assert unfinished(flows, flows, {"C.1"}, "H.1") == ["C.1 F.1 is RUNNING"]


def test_a_client_that_the_hunt_does_not_know_is_named():
    flows = [flow("C.1", "FINISHED"), flow("C.2", "FINISHED", "F.2")]
    missing = unfinished(flows, flows[:1], {"C.1", "C.2"}, "H.1")
    assert missing == ["C.2 has not taken part in H.1"]


def test_a_hunt_flow_that_is_not_listed_yet_has_not_taken_part():
    assert unfinished([], [flow("C.1", "")], {"C.1"}, "H.1") == ["C.1 has not taken part in H.1"]
