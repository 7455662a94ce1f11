from recovery.infra.recovery_steps import verdict


def step(*findings):
    return {"findings": list(findings)}


def test_no_finding_is_verified():
    assert verdict([[step()], [], [step(), step()]]) == "recovered and verified"


def test_the_first_finding_is_named_and_the_others_counted():
    said = verdict([[step("one")], [step("two", "three")]])
    assert said == "recovered with findings: one (and 2 more: see restored)"
    assert verdict([[step("one")]]) == "recovered with findings: one"
