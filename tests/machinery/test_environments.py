import pytest
from late_flights.factory import environments
from late_flights.factory.errors import FactoryError

TEXT = """
all: {registry: ghcr.io/team/x, captures: [captures]}
dev:
test: {host: "ssh://deploy@test.example.com"}
prod: {target: kubernetes, registry: prod.azurecr.io/x, captures: [], namespace: x, after: test, approvers: [ann]}
"""
NAMES = ["dev", "test", "prod"]


@pytest.fixture
def find(tmp_path):
    """`find(name, text, **variables)`: the environment, as a file with that text has it."""

    def found(name: str, text: str | None = TEXT, **variables: str) -> environments.Environment:
        if text is not None:
            (tmp_path / "environments.yaml").write_text(text)
        return environments.find(name, tmp_path / "environments.yaml", variables)

    return found


def test_an_environment_has_the_shared_settings_but_for_its_own(find, tmp_path):
    assert find("dev").registry == find("test").registry == "ghcr.io/team/x"
    assert (find("prod").registry, find("prod").captures, find("dev").captures) == ("prod.azurecr.io/x", [], ["captures"])
    assert list(environments.load(tmp_path / "environments.yaml")) == NAMES


def test_older_names_are_of_the_same_environments(find):
    assert find("staging") == find("test") and find("production") == find("prod")
    assert [find(name).stage for name in NAMES] == ["dev", "staging", "production"]


def test_a_trial_runs_nowhere_but_here(find):
    trial = find("trial", TEXT.replace("all: {", "all: {host: 'ssh://x', context: x, "))
    assert trial == environments.Environment(name="trial", registry="ghcr.io/team/x")


def test_variables_have_the_last_word_if_they_are_set(find):
    test = find("test", FACTORY_TARGET="ssh://other", FACTORY_URL="https://x", FACTORY_REGISTRY="")
    assert (test.host, test.url, test.registry) == ("ssh://other", "https://x", "ghcr.io/team/x")


def test_without_a_file_the_variables_count_and_any_name_is_one(find, tmp_path):
    assert find("qa", None, FACTORY_TARGET="ssh://x") == environments.Environment(name="qa", host="ssh://x")
    assert find("production", None).name == "prod" and environments.load(tmp_path / "none.yaml") == {}


def test_an_unknown_environment_is_refused_with_what_was_meant(find):
    with pytest.raises(FactoryError, match=r"^ENVIRONMENT: stagin is not an environment of .*: did you mean staging\?$"):
        find("stagin")
    with pytest.raises(FactoryError, match=r"the environments are dev, test, prod$"):
        find("qa")


def test_what_all_share_is_no_place_to_deploy_to(find, tmp_path):
    for text in (TEXT, "all: {}\n", None):
        with pytest.raises(FactoryError, match=r"^ENVIRONMENT: all is not an environment"):
            find("all", text)
    find("dev", TEXT)
    assert environments.shared(tmp_path / "environments.yaml", {}).registry == "ghcr.io/team/x"
    assert environments.shared(tmp_path / "none.yaml", {"FACTORY_REGISTRY": "x"}).registry == "x"


def test_a_file_without_settings_leaves_all_to_variables_as_before(find):
    assert find("eu", "all: {}\ndev: {}\n", FACTORY_TARGET="ssh://x") == environments.Environment(name="eu", host="ssh://x")


WRONG = {
    "key": ("prod: {regstry: x}", "prod.regstry: unknown key, did you mean registry?"),
    "environment": ("production: {}", "production: unknown key"),
    "type": ("prod: {approvers: ann}", "prod.approvers: "),
    "target": ("all: {target: swarm}", "all.target: "),
    "after itself": ("prod: {after: prod}", "prod after prod"),
    "in a circle": ("test: {after: prod}\nprod: {after: test}", "test after prod after test"),
    "all after": ("all: {after: test}", "test after test"),
    "no YAML": ("prod: {", "not YAML"),
}


@pytest.mark.parametrize("text, message", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_in_one_line(find, text, message):
    with pytest.raises(FactoryError) as refusal:
        find("prod", text)
    assert message in str(refusal.value) and "\n" not in str(refusal.value)


SECRETS = {
    "password": "https://ann:hunter2@registry.example.com/x",
    "shared access": "https://x.blob.core.windows.net/c?sv=2024&sig=abc%3D",
    "key of Azure": "DefaultEndpointsProtocol=https;AccountKey=abcdef==",
    "key of AWS": "AKIA" + "ABCDEFGH" * 2,
    "GitHub": "ghp_" + "a1B2" * 9,
    "GitLab": "glpat-" + "a1B2-" * 4,
    "signed": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x",
    "PEM": "-----BEGIN " + "PRIVATE KEY-----",
    "named": "password=hunter2",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("key", ["registry: '{}'", "captures: ['s3://x', '{}']"])
def test_what_looks_like_a_secret_is_refused_and_not_repeated(find, key, secret):
    with pytest.raises(FactoryError, match=r"prod\.(registry|captures): holds .*: revoke it") as refusal:
        find("prod", f"prod: {{{key.format(secret)}}}")
    assert secret not in str(refusal.value)


PLAIN = [
    "ssh://deploy@test.example.com:22",
    "localhost:5000/x",
    "s3://bucket/a@b",
    "https://x.example.com/?signal=1",
    "ghcr.io/secret-team/x",
]


@pytest.mark.parametrize("value", PLAIN)
def test_what_only_resembles_a_secret_is_none(find, value):
    assert find("prod", f"prod: {{host: '{value}'}}").host == value
