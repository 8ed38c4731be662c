"""How a fleet's update decides: which wave a project is in, where it stands, and whether the next wave begins."""

import sys
from datetime import UTC, datetime, timedelta

import pytest
from conftest import ROOT

sys.path[:0] = [str(ROOT / "hooks"), *map(str, (ROOT / "template/src").iterdir())]
from factory.errors import FactoryError
from factory.platforms import PUBLIC
from factory.platforms.base import PullRequest
from origins import Criticality, Origin
from waves import plan, record, remotes, standing, templates
from waves.model import Entry, State, public
from waves.rollout import Limits, Rollout, why
from waves.servers import OURS, Servers, variable

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GRACE = timedelta(minutes=15)
TITLE = "Update the template to v1.1.0"


def origin(number: int, wave: str = "", criticality: str = "low") -> Origin:
    url = f"https://github.com/me/p{number}"
    return Origin(url, "a", Criticality(criticality), f"p{number}", None, wave, number + 2)


def sizes(origins: list[Origin], share: float = 0.25) -> list[int]:
    found = plan.waves(origins, share)
    assert found.keys() == {each.key for each in origins}
    return [[*found.values()].count(number) for number in range(3)]


def entry(state: State = State.WAITING, **changes: object) -> Entry:
    return Entry("key", "p", "address", "a", "low", 0, state, **changes)


@pytest.mark.parametrize(
    "marked, count, expected",
    [
        ([], 100, [5, 24, 71]),
        (["canary"] * 4, 96, [4, 24, 72]),
        (["early"] * 40, 60, [5, 40, 55]),
        ([], 1, [1, 0, 0]),
        (["canary", "rest", "rest"], 0, [1, 0, 2]),
        (["canary"] * 3, 0, [3, 0, 0]),
        ([], 2, [1, 1, 0]),
    ],
)
def test_sizes_of_the_waves(marked, count, expected):
    waves = [*marked, *[""] * count]
    assert sizes([origin(number, wave) for number, wave in enumerate(waves)]) == expected


def test_what_matters_most_comes_last_and_no_matter_in_which_order_it_is_listed():
    ranks = [*Criticality][::-1] * 10
    origins = [origin(number, criticality=rank) for number, rank in enumerate(ranks)]
    found = plan.waves(origins, 0.25)
    assert found == plan.waves(origins[::-1], 0.25)
    of_wave = [{str(each.criticality) for each in origins if found[each.key] == wave} for wave in range(3)]
    assert of_wave == [{"low"}, {"low", "medium"}, {"medium", "high", "critical"}]


def test_unknown_wave_is_refused_with_its_line():
    with pytest.raises(FactoryError, match=r"^line 3, wave: 'canaries' is not one of canary, early, rest"):
        plan.waves([origin(0), origin(1, "canaries")], 0.25)


def test_wave_of_a_share_of_failures():
    def wave(bad: int, good: int) -> str | None:
        found = why("early", [entry(State.RED)] * bad + [entry(State.GREEN)] * good, 0.1)
        return found and found.reason

    assert wave(0, 0) is None and wave(0, 3) is None and wave(1, 9) is None
    assert wave(2, 18) is None and wave(3, 17).startswith("wave early: 3 of 20 failed, more than 10%")
    assert wave(1, 0), "a canary alone"
    assert why("early", [entry(State.RED, handled=True), entry(State.GREEN)], 0.1) is None


@pytest.mark.parametrize("state", [State.FAILED, State.FOREIGN, State.UNREACHABLE])
def test_what_cannot_be_updated_counts_as_failed(state):
    assert "1 of 2 failed" in why("canary", [entry(state), entry(State.GREEN)], 0.1).reason


def test_wave_with_a_person_or_unsettled():
    settled = [entry(state) for state in (State.GREEN, State.MERGED, State.CURRENT, State.CLOSED, State.PROPOSED)]
    assert why("rest", settled, 0.1) is None
    assert why("rest", [*settled, entry(State.PERSON)], 0.1) == ("wave rest: a person is needed for p", False)
    for state in (State.PENDING, State.WAITING):
        assert why("rest", [*settled, entry(state)], 0.1) == ("wave rest: 1 of 6 not settled: run it again", True)
        assert why("rest", [*settled * 3, entry(State.RED), entry(state)], 0.1).waits, "one of 17 may fail"


def request(state: str = "open", title: str = TITLE, draft: bool = False) -> PullRequest:
    return PullRequest(1, state, title, draft, "b" * 40, "at/1")


def judged(known: Entry | None = None, **seen: object) -> State | None:
    what = {"base": "main", "release": "v1.0.0", "proposal": None, "has_platform": True} | seen
    found = standing.judge(standing.Seen(**what), known or entry(), "1.1.0", NOW, GRACE)
    return found and found[0]


def test_project_that_has_the_release():
    assert judged(release="1.1.0") is State.CURRENT and judged(release="v1.2.0") is State.CURRENT
    assert judged(release="v1.1.0-3-gabcdef0") is State.CURRENT
    assert judged(release="v1.1.0", request=request("merged")) is State.MERGED
    assert judged(entry(commit="b"), release="1.1.0", has_platform=False) is State.MERGED
    assert (
        judged(release="1.1.0rc1") is None
        and judged(release="nonsense") is None
        and judged(release="1.1.0+acme.1") is State.CURRENT
    )


def test_pull_request_of_the_release():
    assert judged() is None
    assert judged(request=request(), checks="green") is State.GREEN and judged(request=request(), checks="red") is State.RED
    assert judged(request=request(), checks="pending") is State.PENDING
    assert judged(request=request("closed")) is State.CLOSED, "people decided"
    assert judged(request=request("merged")) is State.CLOSED, "but main has the older release"
    assert judged(request=request(title=f"Draft: {TITLE}", draft=True), checks="green") is State.PERSON
    assert judged(entry(handled=True), request=request(draft=True), checks="green") is State.GREEN


@pytest.mark.parametrize("state", ["open", "closed", "merged"])
def test_pull_request_of_another_release_is_not_this_one(state):
    assert judged(request=request(state, "Update the template to v1.0.1")) is None
    assert judged(request=request(state, "Something else")) is None


def test_pipelines_get_time_to_begin():
    at = (NOW - timedelta(minutes=14)).isoformat()
    assert judged(entry(at=at), request=request()) is State.PENDING
    assert judged(entry(at=(NOW - GRACE).isoformat()), request=request()) is State.PROPOSED
    assert judged(entry(at=(NOW + timedelta(days=400)).isoformat()), request=request()) is State.PROPOSED, "the clock went back"


def test_branch_without_a_platform():
    def seen(known: Entry, **more: object) -> State | None:
        return judged(known, has_platform=False, **more)

    assert seen(entry()) is None and seen(entry(), proposal="c") is None
    assert seen(entry(), proposal="c", by=OURS) is None, "the record is lost: it is proposed again, and pushed only if it differs"
    assert seen(entry(commit="b"), proposal="b") is State.PROPOSED
    assert seen(entry(commit="b", attention=["kept"]), proposal="b") is State.PERSON
    assert seen(entry(commit="b", attention=["kept"], handled=True), proposal="b") is State.PROPOSED
    assert seen(entry(commit="b", attention=["kept"]), proposal="c", by="ada@example.com") is State.PROPOSED


def test_tokens_go_to_their_servers_alone(monkeypatch):
    monkeypatch.setenv("FACTORY_TOKEN", "one")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    urls = ["https://github.com/me/p", "git@gitlab.com:me/p.git"]
    both = Servers.of(PUBLIC, urls)
    with pytest.raises(FactoryError, match=r"^FACTORY_TOKEN_GITHUB_COM is not set"):
        both.check(urls)
    monkeypatch.setenv(variable("https://gitlab.com"), "two")
    both = Servers.of(PUBLIC, urls)
    assert both.tokens == {"https://gitlab.com": "two"} and both.platform(urls[0]) is None
    one = Servers.of(PUBLIC, urls[:1])
    env = one.environment(urls[0])
    assert one.tokens == {"https://github.com": "one"} and not {"FACTORY_TOKEN", "GITHUB_ACTIONS"} & env.keys()
    keys = [value for name, value in env.items() if name.startswith("GIT_CONFIG_KEY_")]
    assert [key for key in keys if key.endswith("extraheader")] == ["http.https://github.com/.extraheader"]
    for elsewhere in ("https://evil.example.com/github.com/me/p", "/srv/github.com/me/p"):
        assert one.platform(elsewhere) is None
        assert not [value for value in one.environment(elsewhere).values() if "extraheader" in value]


def test_token_of_the_only_server_whatever_the_templates_is(monkeypatch):
    monkeypatch.setenv("FACTORY_TOKEN", "one")
    known = Servers.of(PUBLIC, ["https://gitlab.com/me/p"], ["https://github.com/me/factory"])
    assert known.tokens == {"https://gitlab.com": "one"}


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/me/factory",
        "https://github.com/Me/factory.git/",
        "git@github.com:me/factory.git",
        "gh:me/factory",
        "ssh://git@github.com/me/factory",
        "https://token@github.com/me/factory",
        "git+https://github.com/me/factory",
    ],
)
def test_template_by_whichever_address(address):
    known = templates.Templates(["https://github.com/me/factory.git"])
    assert known.foreign(address) is None
    for other in (
        "https://github.com/me/factory2",
        "https://evil.com/github.com/me/factory",
        "../factory",
        "github.com/me/factory",
        "ext::sh -c true",
    ):
        assert "is none of --template" in known.foreign(other)


def test_another_repository_whose_address_begins_like_the_templates(tmp_path):
    known = templates.Templates(["https://git.example.com/factory"], tmp_path)
    env = known.environment({}, "https://git.example.com/factory-churn")
    pairs = [
        (env[f"GIT_CONFIG_KEY_{number}"], env[f"GIT_CONFIG_VALUE_{number}"]) for number in range(int(env["GIT_CONFIG_COUNT"]))
    ]
    assert ("url.https://git.example.com/factory-churn.insteadOf", "https://git.example.com/factory-churn") in pairs
    assert (f"url.{tmp_path}.insteadOf", "https://git.example.com/factory") in pairs


def test_record_is_read_as_it_was_written(tmp_path):
    place, known = (
        tmp_path / "state.json",
        record.Record("1.1.0", {"key": entry(State.RED, conflicts={"a": "b"})}, [f"{NOW}"], "why"),
    )
    known.write(place)
    assert record.read(place, "1.1.0") == known and record.read(tmp_path / "none", "1.1.0") == record.Record("1.1.0")
    with pytest.raises(FactoryError, match=r"is of an update to 1\.1\.0, not 1\.2\.0: give another --state"):
        record.read(place, "1.2.0")


@pytest.mark.parametrize(
    "content", ["", "[]", '{"format": 2}', '{"format": 1, "entries": 3}', '{"format": 1, "entries": [{}], "x": 1}']
)
def test_damaged_record_is_refused_in_a_line(tmp_path, content):
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(FactoryError, match=r"state\.json: cannot be read: .*: delete it"):
        record.read(tmp_path / "state.json", "1.1.0")


def test_a_clock_that_went_back_holds_up_no_proposal(tmp_path):
    known = record.Record("1.1.0", pushes=[(NOW + timedelta(days=400)).isoformat(), (NOW - timedelta(minutes=5)).isoformat()])
    limits, servers = Limits(rate=2), Servers(PUBLIC, {})
    going = Rollout(known, limits, servers, templates.Templates([]), tmp_path, True, lambda: None, lambda: NOW)
    assert going._room() == 1


def test_two_updates_at_once(tmp_path):
    refused = pytest.raises(FactoryError, match="another update works with it")
    with record.locked(tmp_path / "state.json"), refused, record.locked(tmp_path / "state.json"):
        pass
    with record.locked(tmp_path / "state.json"):
        pass


def test_whatever_one_project_answers_ends_no_others_update(tmp_path, monkeypatch):
    def heads(origin: Origin, *_: object) -> None:
        raise KeyError("x") if origin.name == "p0" else remotes.UnreachableError("gone")

    monkeypatch.setattr(remotes, "heads", heads)
    origins, known = [origin(0), origin(1)], record.Record("1.1.0")
    going = Rollout(known, Limits(), Servers(PUBLIC, {}), templates.Templates([]), tmp_path, True, lambda: None)
    going.enter(origins, {each.key: 0 for each in origins}, [])
    going.run(origins)
    found = [(each.state, each.reason) for each in known.entries.values()]
    assert found == [(State.FAILED, "unexpected answer: KeyError: 'x'"), (State.UNREACHABLE, "gone")]


@pytest.mark.parametrize(
    "before, after",
    [("merged", "merged"), ("closed", "closed"), ("green", "pending"), ("red", "pending"), ("waiting", "unreachable")],
)
def test_project_that_does_not_answer_once_loses_nothing(tmp_path, monkeypatch, before, after):
    def heads(*_: object) -> None:
        raise remotes.UnreachableError("cannot read https://me:word@git.example.com/p?token=word")  # pragma: allowlist secret

    monkeypatch.setattr(remotes, "heads", heads)
    place, known = origin(0), record.Record("1.1.0")
    going = Rollout(known, Limits(), Servers(PUBLIC, {}), templates.Templates([]), tmp_path, True, lambda: None)
    going.enter([place], {place.key: 0}, [])
    known.entries[place.key].state = State(before)
    going.run([place])
    assert (known.entries[place.key].state, known.entries[place.key].reason) == (after, "cannot read https://git.example.com/p")


def test_care_is_taken_while_it_is_said_or_seen(tmp_path):
    place, known = origin(0), record.Record("1.1.0")
    going = Rollout(known, Limits(), Servers(PUBLIC, {}), templates.Templates([]), tmp_path, True, lambda: None)
    for handled, taken, expected in ((["p0"], False, True), ([], False, False), ([], True, True)):
        going.enter([place], {place.key: 0}, [])
        known.entries[place.key].taken = taken
        going.enter([place], {place.key: 0}, handled)
        assert known.entries[place.key].handled is expected


def test_texts_have_no_logins():
    text = "its template is https://ci:word@git.example.com/t, none of ssh://word@git.example.com/t 'https://a.b/c?key=word'"
    assert public(text) == "its template is https://git.example.com/t, none of ssh://git.example.com/t 'https://a.b/c'"
