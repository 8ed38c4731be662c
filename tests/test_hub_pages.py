"""The hub's pages: nothing that a project wrote runs or gets lost there, what must be done is found, and a browser sorts quickly."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import browser
import pytest
from conftest import ROOT
from status_branches import bare, fleet, push, status

sys.path.insert(0, str(ROOT / "hooks"))

import origins
from factory.status.model import parse
from factory.status.steps import Kind
from findings.advisories import Advisory
from findings.dependencies import Dependencies
from findings.needs import KINDS, needs
from findings.withdrawn import Withdrawn
from inventory.model import Inventory, Point, Project, State
from organisation import Organisation, ReviewDays
from pages.write import Hub

NOW = datetime(2026, 11, 30, 5, tzinfo=UTC)
DAYS = ReviewDays()
REVERSED, SCRIPT = "\N{RIGHT-TO-LEFT OVERRIDE}", "<script>alert(1)</script>"
HOSTILE = f"{SCRIPT}\"'><img src=x onerror=alert(2)>{{{{7*7}}}}{REVERSED}gnp\n\x07{'x' * 400}"


def project(name: str = "churn", *, state: State = State.OK, reason: str = "", criticality: str = "medium", **changes) -> Project:
    """A project with a status of now, or none where the changes are {"status": None}."""
    known = None if changes.get("status", True) is None else parse(json.dumps(status(name, NOW, **changes)).encode())
    url = f"https://git.example.com/ml/{name}.git"
    origin = origins.Origin(url, "Growth", origins.Criticality(criticality), name, None, "", 2)
    history = (Point.of(known),) if known else ()
    return Project(origin, state, reason, known, "a" * 40 if known else None, history, 0)


def hub(*projects: Project, live: bool = True, **found) -> Hub:
    found = {"users": {}, "unknown": (), "not_asked": {}} | found
    return Hub(Inventory(NOW, projects, live), Dependencies(**found), Organisation(name="Acme"))


class Page(HTMLParser):
    """What a browser would make of it: elements, the attributes that could run something, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.risky, self.links, self.words, self.ids = [], [], [], [], []
        self.feed(text)
        self.text = re.sub(r" (?=[,.;:)])", "", " ".join(" ".join(self.words).split()))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.risky += [(tag, name) for name, value in attrs if name.startswith("on") or name in ("src", "srcdoc", "action")]
        self.links += [value or "" for name, value in attrs if name in ("href", "xlink:href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def everywhere(value: object, text: str, key: str = "") -> object:
    """The status with the text in place of each free text, as long as the format allows."""
    if isinstance(value, dict):
        return {name: everywhere(each, text, name) for name, each in value.items()}
    if isinstance(value, list):
        return [everywhere(each, text, key) for each in value]
    keep = "at since until month sha256 commit received changed risk drift source".split()
    return text[:110] if isinstance(value, str) and key not in keep else value


def hostile() -> Project:
    content = status("churn", NOW) | {
        "doctor": [{"name": "a", "problems": ["b"], "fails": True}],
        "data": [status()["data"][0]] * 2,
    }
    content["monitor"] |= {"drift": "open", "alerts": [{"code": "A", "column": "b", "since": "2026-11-01"}], "states": ["C"]}
    content["readiness"] |= {"groups": {HOSTILE[:100]: 1.0}, "missing": ["a"], "expired": ["b"]}
    content["gate"] |= {"passed": False, "codes": ["X"]}
    content["deployments"] = [{"environment": "e", "version": "v", "image": "i", "digest": "d", "at": NOW.isoformat(), "by": "b"}]
    content = everywhere(content, HOSTILE) | {"address": "javascript:alert(3)"}
    content["template"]["source"] = content["dependencies"]["source"] = "lock"
    content["unknown"] |= {HOSTILE[:200]: HOSTILE[:300]}
    content["dependencies"]["packages"] = {HOSTILE[:90]: HOSTILE[:90]}
    known = parse(json.dumps(content).encode())
    history = replace(Point.of(known), at=NOW - timedelta(days=9)), Point.of(known)
    return replace(project(), state=State.STALE, reason=f"STALE: {HOSTILE}", status=known, history=history)


def test_what_projects_write_is_text_wherever_it_is():
    made = hub(hostile(), project("other", data=[status()["data"][0]]), not_asked={"vulnerabilities": HOSTILE})
    [view, _] = made.views.values()
    for text, scripts in ((made.index(), 1), (made.page(view), 0)):
        page = Page(text)
        assert page.tags.count("script") == scripts and "img" not in page.tags and not page.risky
        assert SCRIPT in page.text and "{{7*7}}" in page.text
        assert REVERSED not in text and "\x07" not in text
        assert not [link for link in page.links if re.match(r"\s*(javascript|data(?!:,)|vbscript):", link, re.IGNORECASE)]


def test_the_cells_of_every_table_have_their_names_where_it_is_narrow():
    made = hub(hostile(), project("other", data=[status()["data"][0]]))
    for text in (made.index(), *map(made.page, made.views.values())):
        tables = re.findall(r"<table(.*?)>(.*?)</table>", text, re.DOTALL)
        assert tables and all('class="rows"' in kind or 'id="projects"' in kind for kind, _ in tables)
        rows = [row for kind, table in tables if "rows" in kind for row in table.split("<tr>")[2:]]
        assert rows and all(
            cell.startswith(("<td data-name=", '<td class="value" data-', '<td class="n" data-'))
            for row in rows
            for cell in re.findall(r"<td[^>]*>", row.partition("<th")[2])
        )


def test_only_the_script_of_the_page_may_run():
    text = hub(project()).index()
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    allowed = re.search(r"default-src 'none'; .*?; script-src 'sha256-([^']+)'\"", text)
    assert allowed and allowed[1] == base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "script-src" not in hub(project()).page(*hub(project()).views.values())
    assert not re.findall(r"""(?:src|url\(|@import)\s*=?\s*["']?(?:https?:)?//""", text)  # nothing is loaded


@pytest.mark.parametrize("state", [each for each in State if each is not State.OK])
def test_each_state_is_shown_with_its_reason_and_what_to_do_beside_what_was_known(state):
    made = hub(
        project("churn", state=state, reason="SOME_CODE: for this reason"), project("gone", state=state, reason="A", status=None)
    )
    known, gone = (Page(made.page(view)).text for view in made.views.values())
    remedy = KINDS[state.upper()].remedy.replace("`", "")
    assert all(
        part in known for part in (f" {state} ", "SOME_CODE: for this reason", remedy[1:], "roc_auc", "last that is known")
    )
    assert f" {state} " in gone and remedy[1:] in gone and "Champion" not in gone
    assert "2 have no status to rely on." in Page(made.index()).text


def test_what_is_not_known_has_its_reason_instead_of_a_blank():
    reasons = {
        name: f"CODE: why {name} is not known"
        for name in ("champion", "gate", "monitor", "readiness", "cost", "dependencies", "contract")
    }
    unknown = status()["unknown"] | reasons
    text = Page(hub(each := project(**dict.fromkeys(reasons), unknown=unknown)).page(hub(each).views[each.origin.key])).text
    assert not [reason for reason in reasons.values() if reason not in text]


def test_codes_of_what_is_not_known_stand_in_their_own_section_alone():
    missing = dict.fromkeys(("champion", "monitor", "cost__serving", "card__purpose", "card__retention", "template__behind"))
    reasons = {name.replace("__", "."): f"SOME_CODE: why {name} is not known" for name in (*missing, "deployments")}
    reasons["template.behind"] = "NO_RELEASE: b29dd0e is not the name of a release"
    made = hub(project(**missing, unknown=status()["unknown"] | reasons, template__release="b29dd0e"))
    [text] = [Page(made.page(view)).text for view in made.views.values()]
    above, _, below = text.partition(" Not known ")
    assert "SOME_CODE" not in above and "NO_RELEASE" not in above and below.count("SOME_CODE") == 6 and "NO_RELEASE" in below
    assert "Purpose not stated" in above and "Template b29dd0e, not a release" in above
    assert "why champion is not known" in above and "why deployments is not known" in above


def test_what_doctor_found_is_named_above_and_listed_once():
    advice = [{"name": name, "problems": [f"{name}'s problem {number}" for number in range(4)], "fails": False} for name in "ab"]
    fails = {"name": "c", "problems": ["it fails"], "fails": True}
    made = hub(project(doctor=[*advice, fails, {"name": "fine", "problems": [], "fails": False}]))
    [page] = map(made.page, made.views.values())
    text = Page(page).text
    assert 'data-name="Found"><a href="#doctor">1 finding</a>: c</td>' in page
    assert "Advice of doctor 2 findings: a, b Run" in text and page.count('<section id="doctor">') == 1
    section = page.partition('<section id="doctor">')[2].partition("</section>")[0]
    assert all(text.count(f"a's problem {number}") == 1 for number in range(4)) and section.count("<li>") == 9


def test_bars_of_what_is_unknown_are_of_another_colour():
    unknown = status()["unknown"] | {"readiness": "NOT_RUN: why"}
    index = hub(project("a"), project("b", readiness=None, unknown=unknown)).index()
    figure = index.partition("<h3>Readiness</h3>")[2].partition("</figure>")[0]
    bars = re.findall(r'<dt>([^<]+)</dt><dd>(\d)</dd>.*?<i class="(\w*)"', figure)
    assert ("up to 5", "1", "") in bars and bars[-1] == ("unknown", "1", "unknown")


def test_no_cell_is_blank_and_a_dash_has_its_reason():
    unknown = status()["unknown"] | dict.fromkeys(("champion", "monitor", "readiness", "cost", "template.behind"), "CODE: why")
    parts = dict.fromkeys(("champion", "monitor", "readiness", "cost", "template__behind"))
    text = hub(
        project("fine"),
        project("new", owner="", unknown=unknown, **parts),
        hostile(),
        project("gone", status=None, reason="GONE"),
    ).index()
    cells = re.findall(r"<td([^>]*)>(.*?)</td>", text.partition('id="projects"')[2].partition("</table>")[0], re.DOTALL)
    assert len(cells) == 4 * 14 and all(re.sub("<[^>]*>", "", content).strip() for _, content in cells)
    dashes = [marks for marks, content in cells if content == "-"]
    assert [sum(reason in marks for marks in dashes) for reason in ("CODE: why", "GONE", "not stated")] == [7, 10, 1]


CASES = {
    "ALERT": {"monitor__drift": "open", "monitor__alerts": [{"code": "BIAS", "column": "age", "since": "2026-11-01"}]},
    "DOCTOR": {"doctor": [{"name": "lock", "problems": ["old"], "fails": True}]},
    "ADVICE": {"doctor": [{"name": "lock", "problems": ["old"], "fails": False}]},
    "MONITOR_STOPPED": {"monitor__until": "2026-11-26"},
    "MONITOR_INCOMPLETE": {"monitor__states": ["NO_FIGURES"]},
    "NOT_DIAGNOSED": {"unknown": status()["unknown"] | {"doctor": "UNREADABLE: why"}},
    "CARD": {"card__retention": None, "unknown": status()["unknown"] | {"card.retention": "NOT_STATED: why"}},
    "NOT_ASSESSED": {"readiness": None, "unknown": status()["unknown"] | {"readiness": "NOT_RUN: why"}},
    "TESTS_MISSING": {"readiness__missing": ["Features are fast"]},
    "QUESTIONS": {"questions": ["data_rights"]},
    "NO_OWNER": {"owner": "  "},
    "BEHIND": {"template__behind": 2},
    "FAR_BEHIND": {"template__behind": 3},
    "EXPIRED": {"readiness__expired": ["Inputs are understood"]},
    "GATE": {"gate__passed": False, "gate__codes": ["METRIC_FLOOR"]},
    "NO_CHAMPION": {"champion": None, "unknown": status()["unknown"] | {"champion": "NO_VERSION: none"}},
}


@pytest.mark.parametrize("code", CASES)
def test_what_must_be_done_is_found_in_a_status(code):
    found = needs(project(**{"template__behind": 0} | CASES[code]), NOW, DAYS)
    assert [need.code for need in found] == [code] and found[0].text


def test_whatever_a_project_is_asked_to_do_the_hub_knows():
    assert {kind.name for kind in Kind} <= KINDS.keys()
    assert {kind.name for kind in Kind} - {"NOT_MONITORED", "NOT_DEPLOYED"} <= CASES.keys()  # both below


@pytest.mark.parametrize("states", [["NO_FIGURES"], []])
def test_nobody_takes_monitoring_that_could_not_judge_for_quiet(states):
    [need] = needs(project(template__behind=0, monitor__drift="unknown", monitor__states=states), NOW, DAYS)
    assert (need.code, need.text) == ("MONITOR_INCOMPLETE", "monitoring is incomplete" + " (NO_FIGURES)" * bool(states))


def test_a_status_of_today_does_not_hide_that_monitoring_stopped_in_may():
    made = hub(project(template__behind=0, monitor__until="2026-05-31"))
    [text] = [Page(made.page(view)).text for view in made.views.values()]
    assert "now Monitoring has stopped monitoring last looked at 2026-05-31 Start its pipeline again" in text
    index = Page(made.index()).text
    assert "Most urgent: monitoring has stopped (1)." in index and "has stopped. open 0 quiet 0 unknown 1" in index


def test_nothing_must_be_done_where_all_is_well():
    assert not needs(project(template__behind=0), NOW, DAYS)


@pytest.mark.parametrize("version, texts", [("v3", []), ("v2", ["production runs v2, and v3 is the champion"])])
def test_the_champion_is_what_is_deployed(version, texts):
    found = [each | {"version": version} for each in deployed("production")]
    assert [need.text for need in needs(project(template__behind=0, deployments=found), NOW, DAYS)] == texts


def deployed(environment: str) -> list[dict[str, object]]:
    return [{"environment": environment, "version": "v3", "image": "i", "digest": "d", "at": NOW.isoformat(), "by": "b"}]


def test_a_champion_is_in_production_once_it_is_deployed_there():
    places = {"a": [], "b": deployed("staging"), "c": deployed("prod"), "d": deployed("production") * 2}
    text = Page(hub(*(project(name, deployments=found) for name, found in places.items())).index()).text
    assert "In production 2 projects have a deployment there Champions 4 projects have one, deployed or not" in text


def test_costs_of_different_months_are_not_added():
    stale = project("stale", state=State.STALE, cost__month="2026-07", cost__runs__money=900.0)
    other = project("other", cost__currency="USD", cost__runs__money=3.0)
    text = Page(hub(project("a"), project("b"), stale, other).index()).text
    assert "Cost in 2026-11 7 EUR so far, of 2 projects; 5 USD so far, of 1 project" in text
    assert "902 EUR 2026-07" in text
    assert "Cost in 2026-11 no project states one yet" in Page(hub(stale).index()).text


@pytest.mark.parametrize(
    "changes, shown",
    [
        ({"questions": ["on-call", "fair"]}, "Open, expired, or answered by no: on-call fair"),
        ({"questions": []}, "All are answered by yes."),
        ({}, "the project is of a release that did not write this yet"),
    ],
)
def test_questions_that_nobody_has_answered_are_shown(changes, shown):
    made = hub(project(**changes))
    [text] = [Page(made.page(view)).text for view in made.views.values()]
    assert f"Questions to people {shown}" in text


def test_codes_are_explained():
    [made] = [hub(project(gate__passed=False, gate__codes=["FLOOR", "NEW_CODE"]))]
    [text] = [Page(made.page(view)).text for view in made.views.values()]
    assert "FLOOR The main metric does not reach gate.floor Improve the model" in text and "NEW_CODE - -" in text


def test_deployed_models_are_monitored():
    unknown = status()["unknown"] | {"monitor": "NOT_SET_UP: nobody captures"}
    found = needs(project(template__behind=0, deployments=deployed("e"), monitor=None, unknown=unknown), NOW, DAYS)
    assert [(need.code, need.text) for need in found] == [("NOT_MONITORED", "nobody captures")]


@pytest.mark.parametrize(
    "criticality, risk, days, due",
    [("critical", "low", 91, True), ("critical", "low", 90, False), ("low", "low", 181, False), ("low", "high", 181, True)],
)
def test_a_model_is_due_for_review_the_sooner_the_more_depends_on_it(criticality, risk, days, due):
    before = (NOW - timedelta(days=days)).isoformat()
    changes = {"template__behind": 0, "champion__since": before, "readiness__at": before, "card__risk": risk}
    codes = [need.code for need in needs(project(criticality=criticality, **changes), NOW, DAYS)]
    assert codes == ["REVIEW"] * due


def test_an_organisation_decides_when_models_are_due():
    before = (NOW - timedelta(days=40)).isoformat()
    model = project(template__behind=0, champion__since=before, readiness__at=before, criticality="critical")
    assert not needs(model, NOW, DAYS)
    found = needs(model, NOW, Organisation(review_days={"critical": 30}).review_days)
    assert [(need.code, need.text) for need in found] == [
        ("REVIEW", "due since 2026-11-20, counted from the last promotion or assessment")
    ]


def test_deliveries_are_shared_by_what_they_are_not_by_what_they_are_called():
    def data(name: str, letter: str) -> list[dict[str, object]]:
        return [{"name": name, "sha256": letter * 64, "rows": 10, "received": "2026-11-01"}]

    names = {"a": data("x.csv", "1"), "b": data("y.csv", "1"), "c": data("x.csv", "2"), "d": data("z.csv", "3")}
    made = hub(*(project(name, data=delivery) for name, delivery in names.items()))
    [shared] = made.findings()["shared"]
    assert (shared["names"], shared["projects"]) == (("x.csv", "y.csv"), ["a", "b"])
    index, views = made.index(), [*made.views.values()]
    graph = index.partition('<svg class="graph"')[2].partition("</svg>")[0]
    assert graph.count("<path") == 2 and graph.count("<a href") == 2
    assert f'<a href="{views[1].page}">b</a>' in made.page(views[0]) and views[0].page not in made.page(views[2])


def test_a_group_too_large_to_draw_counts_what_is_left_out():
    data = [{"name": "x.csv", "sha256": "1" * 64, "rows": 10, "received": "2026-11-01"}]
    text = hub(*(project(f"p{number}", data=data) for number in range(40))).index()
    graph = text.partition('<svg class="graph"')[2].partition("</svg>")[0]
    assert graph.count("<path") == 12 and "and 28 more" in graph


def test_packages_of_the_organisation_show_who_uses_which_version():
    keys = [project(name).origin.key for name in "ab"]
    found = {"users": {("acme-features", "1.0"): [keys[0]], ("acme-features", "2.0"): keys}, "elsewhere": ("acme-features",)}
    assert "acme-features 1.0, 2.0 2 a, b" in Page(hub(project("a"), project("b"), **found).index()).text


def test_what_is_known_against_packages_is_shown_with_its_fix_and_who_is_concerned():
    known, other, package = project("a"), project("b"), ("jinja2", "3.1.2")
    found = {
        "users": {package: [known.origin.key]},
        "advisories": (Advisory(package, ("CVE-2024-34064",), f"bad {SCRIPT}", ("3.1.4",)),),
        "withdrawn": (Withdrawn(package, f"yanked: broken {REVERSED}"),),
    }
    made = hub(known, other, **found)
    first, second = (Page(made.page(view)).text for view in made.views.values())
    index = made.index()
    assert f"jinja2 3.1.2 CVE-2024-34064 bad {SCRIPT} 3.1.4 1 a" in Page(index).text and REVERSED not in index
    assert "jinja2 3.1.2 CVE-2024-34064" in first and "Fixed in 3.1.4" in first and "yanked: broken" in first
    assert "CVE-2024" not in second
    assert [need["code"] for need in made.findings()["needs"]["a"]][:2] == ["VULNERABLE", "WITHDRAWN"]


def test_trends_come_from_the_history():
    now = project()
    history = tuple(replace(now.history[0], at=NOW - timedelta(days=30 - day), readiness=day / 10) for day in range(31))
    made = hub(replace(now, history=history))
    [page] = map(made.page, made.views.values())
    for text in (page, made.index()):
        figures = re.findall(r"<h3>Readiness</h3><figcaption>.*?</figure>", text, re.DOTALL)
        assert [figure for figure in figures if "0 at 31 Oct" in figure and "3 at 30 Nov" in figure]
    assert "There are no two days to compare yet." in Page(hub(now).page(*hub(now).views.values())).text


def test_a_trend_does_not_mix_metrics():
    now = project(champion__metric__name="rmse", champion__metric__value=40.0)
    history = tuple(
        replace(now.history[0], at=NOW - timedelta(days=4 - day), metric=value, metric_name=name)
        for day, (value, name) in enumerate([(0.8, "roc_auc"), (0.9, "roc_auc"), (50.0, "rmse"), (None, None), (40.0, "rmse")])
    )
    made = hub(replace(now, history=history))
    [page] = map(made.page, made.views.values())
    [figure] = re.findall(r"<h3>Metric</h3><figcaption>.*?</figure>", page, re.DOTALL)
    assert "rmse on its test rows. Before, it was another metric." in figure and "40 at 30 Nov" in figure
    assert "50 at 28 Nov" in figure and "0.8" not in figure and "26 Nov" in figure
    assert now.history[0].metric_name == "rmse"


@pytest.mark.nightly
def test_nothing_has_to_be_scrolled_sideways_on_a_telephone(tmp_path):
    if not browser.path():
        pytest.skip("there is no Chromium")
    found = {
        "users": {("numpy", "2.3.1"): [hostile().origin.key], ("acme-features", "1.0"): [hostile().origin.key]},
        "advisories": (Advisory(("numpy", "2.3.1"), ("CVE-2024-34064", "GHSA-aaaa-bbbb-cccc"), "a long text " * 9, ("3.1.4",)),),
        "withdrawn": (Withdrawn(("numpy", "2.3.1"), "yanked: broken"),),
        "elsewhere": ("acme-features",),
    }
    made = hub(
        hostile(), project("a-model-with-a-name-that-is-long", data=[hostile().status.data[0].model_dump(mode="json")]), **found
    )
    assert made.shared and "Packages that the index does not have" in made.index()
    for page in (made.index(), *map(made.page, made.views.values())):
        assert browser.wide(page, tmp_path, 400) == []
    assert browser.wide("<html><p>" + "x" * 400 + "</html>", tmp_path, 400) == ["HTML"]


def test_the_organisation_has_its_name_and_logo_on_each_page():
    made = replace(hub(project()), logo="data:image/svg+xml;base64,PHN2Zy8+")
    [page] = map(made.page, made.views.values())
    assert "<h1>Acme</h1>" in made.index()
    assert all('src="data:image/svg+xml;base64,PHN2Zy8+" alt="Acme"' in text for text in (page, made.index()))
    assert "<img" not in hub(project()).index()


@pytest.mark.parametrize(
    "values", [(0.0, 1e308), (1e308, 1e308), (-1e308, 1e308), (1e-320, 2e-320), (1.0, 1.0 + 2e-16), (0.0, 0.0)]
)
def test_any_numbers_can_be_shown(values):
    changes = {"champion__metric__value": values[1], "readiness__score": abs(values[1]), "template__behind": 2**63 - 1}
    known = project(**changes, cost__runs__money=abs(values[1]), cost__serving__money=abs(values[1]))
    early = replace(
        known.history[0], at=NOW - timedelta(days=9), metric=values[0], readiness=values[0], behind=0, money=values[0]
    )
    made = hub(replace(known, history=(early, *known.history)), project("other"))
    assert "<h3>Alerts</h3>" in made.page(made.views[known.origin.key]) and made.index() and made.findings()


def test_files_of_pages_have_safe_names_and_go_with_their_project(tmp_path):
    first = hub(project("Con"), project("con-2"), project("Łódź é"), project("模型"), project("x" * 99))
    first.write(tmp_path)
    (tmp_path / "projects/notes.html").write_text("mine")
    pages = {view.page for view in first.views.values()}
    assert len({name.lower() for name in pages}) == 5
    assert not [name for name in pages if not re.fullmatch(r"[a-z0-9-]{1,60}-[0-9a-f]{8}\.html", name)]
    assert all(f'"projects/{name}"' in (tmp_path / "index.html").read_text("utf-8") for name in pages)
    hub(project("con-2")).write(tmp_path)
    assert {file.name for file in (tmp_path / "projects").iterdir()} == {
        "notes.html",
        first.views[project("con-2").origin.key].page,
    }


def test_a_page_of_another_day_names_the_day():
    made = hub(project(), live=False)
    [page] = map(made.page, made.views.values())
    assert "as of 2026-11-30" in Page(made.index()).text and "as of 2026-11-30" in Page(page).text
    assert "as of 2026-11-30" not in Page(hub(project()).index()).text


def test_the_command_writes_the_pages_beside_the_inventory(tmp_path):
    push(bare(tmp_path / "churn"), status("churn"))
    fleet(tmp_path / "FLEET.csv", ["churn", "nowhere"])
    command = [sys.executable, str(ROOT / "hooks/hub.py"), "FLEET.csv", "out", "--osv=", "--index="]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    index = (tmp_path / "out/index.html").read_text("utf-8")
    pages = [link for link in Page(index).links if link.startswith("projects/")]
    assert len(set(pages)) == 2 and all((tmp_path / "out" / link).is_file() for link in pages)
    assert "unreachable" in index and "no address was given" in index and "vulnerabilities were not asked: no" in done.stderr
    assert json.loads((tmp_path / "out/findings.json").read_text("utf-8"))["needs"]["nowhere"][0]["code"] == "UNREACHABLE"


def thousand() -> str:
    owners = ["Ada Lovelace <ada@example.com>", "Grace Hopper", "Alan Turing"]
    return hub(
        *(
            project(
                f"project-{number}", owner=owners[number % 3], template__behind=number % 5, readiness__score=(number % 57) / 8
            )
            for number in range(1000)
        )
    ).index()


def test_a_thousand_projects_fit_into_two_megabytes():
    assert len(thousand().encode()) <= 2_000_000


@pytest.mark.nightly
def test_a_browser_sorts_and_searches_a_thousand_projects_within_a_second(tmp_path):
    if not browser.path():
        pytest.skip("there is no Chromium")
    result = browser.use(thousand(), tmp_path)
    assert max(result["milliseconds"].values()) < 1000 and len(result["milliseconds"]) == 15
    down, up = ([float(text) for text in result[name]] for name in ("down", "up"))
    assert len(down) == 200 and down == sorted(down, reverse=True) and up == sorted(up) and down[0] == 7.0 and up[0] == 0.0
    assert result["found"] and all(re.match("project-99", name) for name in result["found"])
    assert result["hash"].startswith("#q=PROJECT-99+grace")
