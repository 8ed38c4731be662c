"""`factory serve` serves the champion with the code of its own commit; settings."""

import os
import shutil
from pathlib import Path

import pytest
from late_flights.factory import errors
from late_flights.factory.registry import champion
from late_flights.factory.release import serve
from late_flights.factory.scoring import artifact
from late_flights.factory.serving import settings
from tests.factory import git_repository
from tests.factory.cli_runner import run


@pytest.fixture(params=["serving", "service"])
def worktree(request, committed, tmp_path_factory, monkeypatch):
    """The folder that stands for the checkout of the champion's commit."""
    folder = tmp_path_factory.mktemp("worktree")
    shutil.copytree("model", folder / "model")
    (folder / "src/x/factory" / request.param).mkdir(parents=True)
    code = Path(f"src/{serve.PACKAGE}/factory/{request.param}/settings.py")
    code.parent.mkdir(parents=True)
    shutil.copy(settings.__file__, code)
    git_repository.commit()
    monkeypatch.setattr(champion, "checkout", lambda version: folder)
    monkeypatch.setattr(serve, "run", lambda *command, **how: "")
    monkeypatch.setattr(os, "chdir", lambda place: None)
    return folder


def refusal(*command: str) -> str:
    result = run(*command)
    assert result.exit_code == 1
    return result.stderr


def test_champion_is_served_by_its_own_code(worktree, monkeypatch):
    executed = {}
    monkeypatch.setattr(os, "execve", lambda path, command, env: executed.update(command=command, env=env))
    monkeypatch.setenv("FACTORY_CAPTURE", "kept")
    monkeypatch.setenv("VIRTUAL_ENV", "elsewhere")
    monkeypatch.setenv("FACTORY_SIGNING_KEY", "")  # set, and no key
    run("promote", "-m", "why")
    run("serve", "--port", "8123")
    assert executed["command"][1:] == ("serve", "--model", "model", "--host", "127.0.0.1", "--port", "8123")
    assert executed["env"]["FACTORY_CAPTURE"] == str(Path("kept").resolve()) and "VIRTUAL_ENV" not in executed["env"]
    assert "FACTORY_SIGNING_KEY" not in executed["env"]  # which services of earlier releases do not know
    assert artifact.read_version(worktree / "model")["version"] == "v1"


def test_champion_is_signed_by_its_tag(worktree, monkeypatch):
    run("promote", "-m", "why")
    monkeypatch.setenv("FACTORY_SIGNERS", "allowed_signers")
    assert "FACTORY_SIGNERS is for a folder, `factory serve --model FOLDER`" in refusal("serve")


def test_file_of_signers_that_is_missing_stops_the_start(trained, monkeypatch):
    monkeypatch.setenv("FACTORY_SIGNERS", "nowhere")
    assert "nowhere: no readable file of allowed signers" in refusal("serve", "--model", "model")


def test_no_version_yet(worktree):
    assert "no model has been promoted yet" in refusal("serve")


def test_version_of_a_time_before_the_service(worktree):
    run("promote", "-m", "why")
    shutil.rmtree(worktree / "src")
    assert "the commit of v1 has no service yet" in refusal("serve")


def test_wrong_setting_is_named_before_anything_is_done(worktree, monkeypatch):
    monkeypatch.setenv("FACTORY_ROWS", "none")
    assert "FACTORY_ROWS: " in refusal("serve") and "FACTORY_ROWS: " in refusal("serve", "--model", "model")


WRONG = {
    "BODY_MB": "much",
    "ROWS": "0",
    "SHARE": "0.5",
    "SHADOW": "1",
    "CHALLENGER": "other",
    "MISSPELT": "",
    "CAPTURE_DAYS": "1000000",
    "SIGNERS": "",
    "KEYS": " ",
    "KEY": "a-key",
    "RATE": "",
    "CAPTURE_WITHOUT": "",
    "CAPTURE_HASHED": "",
    "CALLER_HEADER": "X Caller",
    "OPEN": "perhaps",
    "ADMIN": "70000",
    "CERT": "cert.pem",
    "CERT_KEY": "",
}
NUMBERS = [name for name, field in settings.Settings.model_fields.items() if field.annotation in (int, float)]


@pytest.mark.parametrize("name", WRONG)
def test_wrong_setting_is_named(name):
    with pytest.raises(errors.FactoryError, match=f"^FACTORY_[^\n]*{name}[^\n]*$"):
        settings.load({f"FACTORY_{name}": WRONG[name]})


@pytest.mark.parametrize("value", ["1e308", "nan", "inf", "-1", "9" * 5000])
def test_number_beyond_sense(value):
    for name in NUMBERS:
        with pytest.raises(errors.FactoryError, match=f"^FACTORY_{name.upper()}: [^\n]*$"):
            settings.load({f"FACTORY_{name.upper()}": value})


@pytest.mark.parametrize("name", ["BODY_MB", "BODIES_MB", "SECONDS", "HEADER_SECONDS", "RATE", "RELOAD", "CAPTURE_SECONDS"])
def test_number_so_small_that_nothing_could_be_served(name):
    with pytest.raises(errors.FactoryError, match=f"^FACTORY_{name}: [^\n]*$"):
        settings.load({f"FACTORY_{name}": "1e-320"})


def test_key_of_a_pipeline_beside_the_keys(tmp_path):
    assert settings.load({"FACTORY_KEY": "a-key", "FACTORY_KEYS": "keys"}).keys == Path("keys")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "example.com", "127.0.0.1.example.com", "0"])
def test_other_machines_need_a_key(trained, host, monkeypatch):
    for command in (("serve", "--model", "model"), ("serve",)):
        assert "FACTORY_OPEN=true if anybody may" in refusal(*command, "--host", host)
    for env in ({"FACTORY_OPEN": "true"}, {"FACTORY_KEYS": "keys"}):
        settings.load(env).check_host(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LocalHost"])
def test_this_machine_needs_no_key(host):
    settings.load({}).check_host(host)


@pytest.mark.parametrize("known", [True, False])
def test_champion_of_before_there_was_the_setting(worktree, monkeypatch, known):
    executed = {}
    monkeypatch.setattr(os, "execve", lambda path, command, env: executed.update(env=env))
    monkeypatch.setattr(serve, "unknown", lambda commit, names: [] if known else [*names])
    monkeypatch.setenv("FACTORY_OPEN", "true")
    run("promote", "-m", "why")
    run("serve", "--host", "0.0.0.0")
    assert ("FACTORY_OPEN" in executed["env"]) is known


def test_setting_that_the_champions_code_does_not_have(worktree, monkeypatch):
    [code] = Path().glob("src/*/factory/*/settings.py")
    code.write_text(code.read_text().replace("    cert: ", "    # cert: "))
    git_repository.commit()
    run("promote", "-m", "why")
    monkeypatch.setenv("FACTORY_CERT", "cert.pem")
    monkeypatch.setenv("FACTORY_CERT_KEY", "key.pem")
    assert "FACTORY_CERT: v1 is served by the code of its own commit, which does not have this setting" in refusal("serve")
