"""A status for a terminal, where little is known."""

from pathlib import Path

from late_flights.factory.status import status, summary


def test_summary_of_a_project_that_just_began(bare):
    lines = [*summary.lines(status.read())]
    assert any(line.startswith("  champion    no model was promoted yet") for line in lines)
    assert "Next:" in lines and "not known" not in "".join(lines)
    assert any("readiness was not assessed: `uv run factory readiness`" in line for line in lines[lines.index("Next:") :])


def test_summary_names_a_release_that_is_none_once(bare):
    Path(".copier-answers.yml").write_text("_src_path: ../template\n_commit: b29dd0e\n")
    [line] = [line for line in summary.lines(status.read()) if line.startswith("  template ")]
    assert line.startswith("  template    b29dd0e is not a release: `uv run factory update`")
