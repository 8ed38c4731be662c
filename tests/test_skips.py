"""A skipped test is named at the end of the run, and fails it in CI unless it is listed."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
TESTS = """
import pytest

@pytest.fixture(scope="module")
def server():
    pytest.skip("no server")

@pytest.mark.parametrize("number", [1, 2])
def test_served(server, number): ...

@pytest.mark.skipif(True, reason="no Linux")
def test_marked(): ...

@pytest.mark.parametrize("version", [pytest.param("", marks=pytest.mark.skip("no release"))])
def test_release(version): ...

@pytest.mark.xfail
def test_not_yet():
    assert False

def test_passes(): ...
"""
REASONS = {"no server": 2, "no Linux": 1, "no release": 1, "no package": 1}
NAMES = ["served[[]1]", "served[[]2]", "marked", "release[[]*]"]


@pytest.fixture(params=[[], ["--numprocesses=2"]], ids=["alone", "beside"])
def run(request, pytester, monkeypatch):
    """Runs the tests above, and a module that skips itself, where the ids with these parts are exceptions."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.delenv("CI", raising=False)
    pytester.makepyfile(test_some=TESTS, test_module="import pytest\npytest.importorskip('nowhere', reason='no package')")

    def result(*exceptions: str) -> pytest.RunResult:
        pytester.makeconftest(f"import skips\nskips.EXCEPTIONS |= dict.fromkeys({exceptions}, 'why')")
        return pytester.runpytest_subprocess("-p", "skips", *request.param)

    return result


def test_by_hand_it_is_only_reported(run):
    done = run()
    assert done.ret == pytest.ExitCode.OK
    done.stdout.fnmatch_lines("*= Not tested here =*")
    done.stdout.fnmatch_lines_random([f"test_*.py: {reason}* ({count})" for reason, count in REASONS.items()])
    done.stdout.no_fnmatch_line("FAILED*")


def test_in_ci_each_fails_the_run_by_name(run, monkeypatch):
    monkeypatch.setenv("CI", "true")
    done = run()
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines_random(["FAILED test_module.py: *", *(f"FAILED test_some.py::test_{name}: *" for name in NAMES)])


def test_exceptions_are_reported_alone(run, monkeypatch):
    monkeypatch.setenv("CI", "true")
    done = run("test_module.py", "test_served[1]", "test_marked", "test_release")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert [line for line in done.outlines if line.startswith("FAILED")] == [
        "FAILED test_some.py::test_served[2]: skipped in CI, and no exception in skips.py"
    ]
    assert run("test_").ret == pytest.ExitCode.OK


def test_nothing_skipped_says_nothing(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setenv("CI", "true")
    pytester.makepyfile("def test_passes(): ...")
    done = pytester.runpytest_subprocess("-p", "skips")
    assert done.ret == pytest.ExitCode.OK
    done.stdout.no_fnmatch_line("*Not tested*")
