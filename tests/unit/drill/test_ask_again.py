from recovery.drill.ask_again import collect_again, parameters_of, stuck
from recovery.drill.life_artifacts import FETCH, GREETING

ENDED = ("FINISHED", "ERROR")


def flow(client, flow_id, state):
    return {"Client": client, "Flow": flow_id, "State": state, "Wanted": FETCH}


def test_only_what_has_not_ended_and_is_no_hunts_is_stuck():
    flows = [
        flow("C.1", "F.1", "FINISHED"),
        flow("C.1", "F.2", "RUNNING"),
        flow("C.1", "F.H", "RUNNING"),
        flow("C.2", "F.H", "RUNNING"),
    ]
    found = stuck(flows, [{"Client": "C.1", "Flow": "F.H"}], ENDED)
    assert [(row["Client"], row["Flow"]) for row in found] == [("C.1", "F.2"), ("C.2", "F.H")]


def test_it_is_cancelled_before_it_is_asked_for_again_with_the_same_parameters():
    asked, said = [], []

    class Server:
        def query(self, vql, *, env, org, min_rows=0):
            asked.append((next(n for n in ("cancel_flow", "collect_client") if n in vql), org, env))

    gone = collect_again(Server(), "O1", [flow("C.1", "F.2", "RUNNING")], said.append)
    assert gone == {("C.1", "F.2")}
    (cancelled, _, what), (collected, org, again) = asked
    assert (cancelled, what) == ("cancel_flow", {"Client": "C.1", "Flow": "F.2"})
    assert (collected, org) == ("collect_client", "O1")
    assert parameters_of(FETCH, "C.1")["Path"] in again["Flows"]
    assert "F.2" in said[0]


def test_other_artifacts_have_no_parameters():
    assert parameters_of("Generic.Client.Info", "C.1") == {}
    assert parameters_of(GREETING, "C.1") == {"Greeting": "hello C.1"}
