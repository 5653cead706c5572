from speciarl_verl.preflight.examination import Examination, Finding, examine


def test_a_look_that_breaks_is_a_finding_of_one_line() -> None:
    def broken() -> Finding:
        raise OSError("no\nsuch\nlibrary")

    assert examine(Examination("a thing", broken)) == Finding(False, "a thing: OSError: no such library")
    assert examine(Examination("a thing", lambda: Finding(True, "is there"))) == Finding(True, "is there")
