from recovery.infra.recovery_steps import findings, verdict


def step(*findings):
    return {"findings": list(findings)}


def test_no_finding_is_verified():
    assert verdict([[step()], [], [step(), step()]]) == "recovered and verified"


def test_findings_are_counted_and_listed():
    said = verdict([[step("one")], [step("two", "three")]])
    assert said == "recovered with 3 findings"
    assert verdict([[step("one")]]) == "recovered with 1 finding"
    assert findings([[step("one")], [step("two", "three")]]) == ["one", "two", "three"]
