"""What people and bots do to what runs a project elsewhere, and to its machinery."""

from .edits import OLD, change, contains, deleted, holds, lines, moved, own, says

PACKAGE = "src/late_flights"

WORKFLOWS = ".github/workflows"
CODE, RETRAIN = f"{WORKFLOWS}/code.yaml", f"{WORKFLOWS}/retrain.yaml"
UPLOAD = "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2"
WORKFLOW = "name: docs\non:\n  push:\n    branches: [main]\njobs:\n  docs:\n    runs-on: [self-hosted, linux]\n    steps:\n      - run: echo ours\n"
COMPOSE = "services:\n  db:\n    image: postgres:16\n    ports: ['5432:5432']\n"
DOCKERFILE = 'FROM python:3.12-slim\nRUN pip install uv\nCOPY . /app\nWORKDIR /app\nRUN uv sync --frozen\nCMD ["uv", "run", "factory", "--help"]\n'
OVERLAY = "deploy/kubernetes/overlays/prod/kustomization.yaml"
RATE = "configMapGenerator:\n  - name: settings\n    behavior: merge\n    literals: [FACTORY_RATE=50]"


PLATFORM = [
    own("its own Dockerfile", "Dockerfile", DOCKERFILE, origins="0.1.0 0.2.0"),
    own("its own compose.yaml", "compose.yaml", COMPOSE, origins="0.1.0 0.2.0"),
    own("its own .dockerignore", ".dockerignore", ".git\n.venv\n", origins="0.1.0 0.2.0"),
    own("its own deploy/prometheus.yaml", "deploy/prometheus.yaml", "global: {scrape_interval: 5s}\n", origins="0.1.0 0.2.0"),
    own("its own files for Azure ML", "deploy/azureml/deployment.yml", "name: blue\nendpoint_name: ours\n"),
    own("its own Renovate", "renovate.json", '{"extends": ["config:recommended"]}\n'),
    own("its own Dependabot", ".github/dependabot.yml", "version: 2\nupdates: []\n", origins="0.1.0 0.2.0"),
    own("its own SECURITY.md", "SECURITY.md", "# Security\n\nsecurity@example.com\n", origins="0.1.0 0.2.0"),
    own("its own workflow", f"{WORKFLOWS}/docs.yaml", WORKFLOW),
    own("its own workflow of the template's name", CODE, WORKFLOW, origins="0.1.0 0.2.0"),
    own("its own owners", ".github/CODEOWNERS", "* @example/team\n", origins="0.1.0 0.2.0"),
    own("a template of issues", ".github/ISSUE_TEMPLATE/bug.md", "---\nname: Bug\n---\n"),
    own("its own compose.override.yaml", "compose.override.yaml", "services:\n  model:\n    mem_limit: 4g\n", origins="flat now"),
    own("packages for the image", "apt.txt", "libgomp1\n", origins="now"),
    own("a step of the image", "build.d/10-fonts.sh", "fc-cache || true\n", origins="now"),
    change(
        "a package in the image",
        "Dockerfile",
        "--no-install-recommends binutils",
        "--no-install-recommends binutils libgomp1",
        contains("Dockerfile", "libgomp1"),
        origins="flat now",
    ),
    change(
        "a component of an overlay",
        OVERLAY,
        r"^components: .*",
        "components: [../../components/prometheus]",
        says(OVERLAY, "components: [../../components/prometheus]"),
        origins="now",
    ),
    lines("a setting of an overlay", OVERLAY, RATE, origins="now"),
    lines("a variable of the image", "Dockerfile", "ENV TZ=Europe/Berlin", after="^EXPOSE", origins="flat now"),
    change(
        "the image's Python",
        "Dockerfile",
        r"^ARG PYTHON=.*",
        "ARG PYTHON=3.12",
        says("Dockerfile", "ARG PYTHON=3.12"),
        origins="flat now",
    ),
    change(
        "a bot's bump of the base image",
        "Dockerfile",
        r"^FROM python:\$\{PYTHON\}-slim AS base$",
        "FROM python:3.13.9-slim AS base",
        says("Dockerfile", "FROM python:3.13.9-slim AS base"),
        origins="flat now",
    ),
    change(
        "another port",
        "compose.yaml",
        r"\$\{PORT:-8000\}",
        "${PORT:-8080}",
        contains("compose.yaml", "8080"),
        origins="flat now",
    ),
    lines(
        "a service of its own",
        "compose.yaml",
        "  redis:\n    image: redis:8",
        after="^services:$",
        kept=holds("compose.yaml", ("services.redis.image", "redis:8")),
        origins="flat now",
    ),
    change(
        "a bot's bump of Prometheus",
        "compose.yaml",
        r"prom/prometheus:v[\d.]+",
        "prom/prometheus:v3.5.1",
        contains("compose.yaml", "v3.5.1"),
        origins="flat",
    ),
    lines(
        "another target of Prometheus",
        "deploy/prometheus.yaml",
        "  - job_name: node\n    static_configs: [{targets: ['node:9100']}]",
        kept=holds("deploy/prometheus.yaml", ("scrape_configs.job_name", "node")),
        origins="flat now",
    ),
]
SCHEDULE = f"{WORKFLOWS}/schedule-retrain.yaml"
PIPELINES = [
    change(
        "a schedule in its file",
        SCHEDULE,
        r'cron: ".*"',
        'cron: "0 5 * * 1"',
        holds(SCHEDULE, ("on.schedule.cron", "0 5 * * 1")),
        origins="now",
    ),
    deleted("no schedule", f"{WORKFLOWS}/schedule-model.yaml", origins="now"),
    lines("variables of Azure's", "azure-pipelines/team/variables.yml", "# ours", origins="now"),
    change(
        "the runner of the checks",
        CODE,
        r"runs-on: .*",
        "runs-on: [self-hosted, linux]",
        holds(CODE, ("jobs.checks.runs-on", "self-hosted")),
        origins="flat now",
    ),
    change(
        "the Python of the checks",
        CODE,
        r"^  UV_PYTHON: .*",
        '  UV_PYTHON: "3.12"',
        holds(CODE, ("env.UV_PYTHON", "3.12")),
        origins="flat now",
    ),
    change(
        "the Pythons of the tests",
        CODE,
        r'python: \["3\.11", "3\.13"\]',
        'python: ["3.12"]',
        holds(CODE, ("jobs.tests.strategy.matrix.python", "3.12")),
        origins="flat",
    ),
    change(
        "another schedule",
        RETRAIN,
        r'cron: ".*"',
        'cron: "0 5 * * 1"',
        holds(RETRAIN, ("on.schedule.cron", "0 5 * * 1")),
        origins="flat",
    ),
    change(
        "more time",
        RETRAIN,
        r"timeout-minutes: 240",
        "timeout-minutes: 600",
        holds(RETRAIN, ("jobs.retrain.timeout-minutes", "600")),
        origins="flat",
    ),
    lines(
        "another step",
        CODE,
        "      - run: uv run --no-sync deptry .",
        after=r"run: uv sync --locked.*",
        origins="flat now",
    ),
    change(
        "a bot's bump of an action",
        RETRAIN,
        r"actions/upload-artifact@.*",
        UPLOAD,
        contains(RETRAIN, UPLOAD),
        origins="flat now",
    ),
    change(
        "a bot's bump of checkout",
        CODE,
        r"actions/checkout@.*",
        "actions/checkout@1af3b93b6815bc44a9784bd300feb67ff0d1eeb3 # v6.0.3",
        contains(CODE, "1af3b93b6815"),
        origins="flat",
    ),
    change(
        "a bot's bump of uv",
        CODE,
        r'version: "0\.13\.8"',
        'version: "0.13.9"',
        contains(CODE, '"0.13.9"'),
        origins="flat now",
    ),
    deleted("no retraining", RETRAIN, origins="flat now"),
    moved("a workflow renamed", CODE, f"{WORKFLOWS}/ci.yaml", origins="flat now"),
    lines("owners by folder", ".github/CODEOWNERS", "/src/ @example/science", origins="flat now"),
    lines(
        "more for Dependabot",
        ".github/dependabot.yml",
        "  - package-ecosystem: npm\n    directory: /web\n    schedule: {interval: weekly}",
        kept=holds(".github/dependabot.yml", ("updates.package-ecosystem", "npm")),
        origins="flat now",
    ),
    lines("another login", ".github/actions/login/action.yaml", "# by our broker", origins="flat now"),
    lines("more for GitLab's team", ".gitlab/team.yml", "# ours: tags of our runners", origins="flat now"),
    lines(
        "a job of its own at GitLab",
        ".gitlab-ci.yml",
        "\npages:\n  script: [echo ours]",
        kept=holds(".gitlab-ci.yml", ("pages.script", "echo ours")),
        origins="flat now",
    ),
    change(
        "a pool of its own at Azure",
        "azure-pipelines/code.yaml",
        r"vmImage: .*",
        "name: our-pool",
        contains("azure-pipelines/code.yaml", "our-pool"),
        origins="flat now",
    ),
    change(
        "more nodes in Azure",
        "infra/prod.bicepparam",
        r"^param maxNodes = \d+",
        "param maxNodes = 9",
        contains("infra/prod.bicepparam", "param maxNodes = 9"),
        origins="now",
    ),
    lines("a resource of its own in Azure", "infra/modules/network.bicep", "// ours: a route to the office", origins="now"),
    change(
        "another preset for Renovate",
        "renovate.json",
        r'"config:recommended"',
        '"config:recommended", ":semanticCommits"',
        holds("renovate.json", ("extends", ":semanticCommits")),
        origins="flat now",
    ),
]
FACTORY = f"{PACKAGE}/factory"
HOT_FIX = "\n\nHOT_FIX = True  # until the template has it"
MACHINERY = [
    lines("a hot fix at the end of a module", f"{FACTORY}/digest.py", HOT_FIX, origins=OLD),
    lines("a hot fix in the errors", f"{FACTORY}/errors.py", HOT_FIX),
    lines("a hot fix in the command line", f"{FACTORY}/cli.py", HOT_FIX, origins=OLD),
    lines("a hot fix in the metrics", f"{FACTORY}/metrics/fairness.py", HOT_FIX, origins="now"),
    lines(
        "a hot fix at the top of a module",
        f"{FACTORY}/scoring/scorer.py",
        "# patched: see our ticket",
        after='^"""',
        origins="now",
    ),
    lines("a hot fix of a module that moves", f"{FACTORY}/metrics/threshold.py", HOT_FIX, origins="now"),
    change(
        "a hot fix of a line",
        f"{FACTORY}/validation/rules.py",
        r"\A",
        "# patched\n",
        says(f"{FACTORY}/validation/rules.py", "# patched"),
        origins="now",
    ),
    lines("a hot fix of a test", "tests/factory/conftest.py", "\n\nPATCHED = True", origins="0.2.0 flat now"),
    deleted("a test of the machinery deleted", "tests/factory/test_layering.py", origins="0.2.0 flat now"),
    moved("the Dockerfile in a folder", "Dockerfile", "docker/Dockerfile", origins="flat now"),
    moved("compose in a folder", "compose.yaml", "deploy/compose.yaml", origins="flat now"),
    own("a module of its own among the machinery", f"{FACTORY}/ours.py", '"""Ours."""\n'),
]
KINDS = [*PLATFORM, *PIPELINES, *MACHINERY]
