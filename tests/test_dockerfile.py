"""The Dockerfile by its text; test_container.py looks into the image that it makes."""

import re
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

TEXT = (ROOT / "template/Dockerfile").read_text("utf-8")


def faults(text: str) -> set[str]:
    """The rules that the text breaks."""
    *_, last = re.split(r"^FROM ", text, flags=re.MULTILINE)
    kept = {
        "runs as a number, not as root": re.search(r"^USER [1-9]\d*(:\d+)?$", last, re.MULTILINE),
        "says whether it is healthy": re.search(r"^HEALTHCHECK ", last, re.MULTILINE),
        "gets signals itself": re.search(r"^CMD \[", last, re.MULTILINE),
        "takes from other stages alone": not re.search(r"^(RUN|ADD|COPY (?!--from=))", last, re.MULTILINE),
        "is the same for every project": not re.search(r"\{\{|\{%", text),
        "needs no other frontend": not re.search(r"^#\s*syntax\s*=", text, re.MULTILINE),
        "caches packages outside the layers": text.count("uv pip install") == text.count("--mount=type=cache"),
        "takes what is locked": "uv export --quiet --frozen --no-default-groups" in text,
    }
    return {rule for rule, found in kept.items() if not found}


def test_rules_are_kept():
    assert faults(TEXT) == set()


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("USER 10001:10001", "USER root", "runs as a number, not as root"),
        ("USER 10001:10001", "USER 0", "runs as a number, not as root"),
        ("USER 10001:10001", "", "runs as a number, not as root"),
        ("HEALTHCHECK", "# HEALTHCHECK", "says whether it is healthy"),
        ('CMD ["factory"', "CMD factory", "gets signals itself"),
        ("USER", "COPY . .\nUSER", "takes from other stages alone"),
        ("ARG UV", "# syntax=docker/dockerfile:1\nARG UV", "needs no other frontend"),
        ("--no-default-groups ", "", "takes what is locked"),
    ],
)
def test_broken_rule_is_named(old, new, rule):
    assert old in TEXT and rule in faults(TEXT.replace(old, new))


def test_only_what_it_needs_reaches_the_engine():
    allowed = Path(ROOT, "template/.dockerignore").read_text("utf-8").splitlines()
    assert allowed[1] == "*" and {line[1:] for line in allowed if line.startswith("!")} == {
        *("LICENSE", "README.md", "model", "pyproject.toml", "src", "uv.lock", ".dockerignore", "apt.txt", "build.d", "packages")
    }


@pytest.mark.parametrize("name", ["apt.txt", "build.d", "compose.override.yaml"])
def test_what_is_for_people_to_add_is_not_shipped(name):
    assert not Path(ROOT, "template", name).exists()


def test_settings_of_ones_own_have_the_last_word():
    model = yaml.safe_load((ROOT / "template/compose.yaml").read_text("utf-8"))["services"]["model"]
    assert "environment" not in model, "Compose prefers it to any file"
    assert [file if isinstance(file, str) else file["path"] for file in model["env_file"]] == ["deploy/open.env", "service.env"]


def test_its_images_are_those_that_a_project_pins():
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)", TEXT, re.MULTILINE))
    images = {
        re.sub(r"\$\{(\w+)\}", lambda name: arguments[name[1]], name)
        for name in re.findall(r"^FROM (\S+[:/]\S+)", TEXT, re.MULTILINE)
    }
    services = yaml.safe_load((ROOT / "template/compose.images.yaml").read_text("utf-8"))["services"].values()
    assert len(images) == 2 and images < {service["image"] for service in services}
