"""A version as a job for Spark: its wheel and what that needs, its model, the job's file, and the commands that start it."""

import os
import re
import shutil
import sys
from pathlib import Path
from string import Template

from .. import PACKAGE
from ..errors import FactoryError
from ..registry import champion
from ..registry.versions import Version
from ..release import model_folder
from ..scoring import histories
from ..workspace.process import run

JOB = f'''"""Scores rows on Spark, with the arguments and options of `factory score`: IN OUT --model FOLDER."""

import sys

from {PACKAGE}.factory.cli import main

try:
    main(["score", "--engine", "spark", *sys.argv[1:]])
except SystemExit as end:
    if end.code:  # platforms that run this file in a process of theirs take any exit for a failure
        raise
'''
COMMANDS = Template("""\
# The environment of all workers; those with another Python, package or code are refused
python$python -m venv environment
environment/bin/pip install $wheels -r $folder/requirements.txt pandas pyarrow venv-pack
environment/bin/venv-pack -p environment -o environment.tar.gz

# Any cluster, from here
spark-submit --master spark://HOST:7077 --archives environment.tar.gz#environment \\
  --conf spark.pyspark.python=./environment/bin/python --conf spark.pyspark.driver.python=environment/bin/python \\
  $folder/score_job.py IN OUT --model $folder/model

# Hadoop and EMR: copy $folder and environment.tar.gz to URL
spark-submit --master yarn --deploy-mode cluster --archives URL/environment.tar.gz#environment \\
  --conf spark.pyspark.python=./environment/bin/python URL/score_job.py IN OUT --model URL/model

# Databricks: copy $folder to URL; $names and requirements.txt are libraries of the cluster
databricks jobs submit --json '{"tasks": [{"task_key": "score", "existing_cluster_id": "ID", "spark_python_task":
  {"python_file": "URL/score_job.py", "parameters": ["IN", "OUT", "--model", "URL/model"]}}]}'

# Synapse: copy $folder to URL; $names and requirements.txt are packages of the pool. Fabric: a job definition with these in its portal
az synapse spark job submit --workspace-name NAME --spark-pool-name POOL --name score --executors 2 \\
  --executor-size Small --main-definition-file URL/score_job.py --arguments IN OUT --model URL/model
""")


def export(destination: Path, name: str | None = None) -> tuple[Version, str]:
    """Write the job of a version, by default the champion, into a new folder, and return how it is started.

    The folder is written completely or not at all. Raises FactoryError.
    """
    histories.check_rows_are_scored("a forecast needs each series as a whole: score its history with factory score")
    version = model_folder.choose(name)
    if destination.exists():
        raise FactoryError(f"{destination} exists already: choose a new folder")
    staging = destination.with_name(f".{destination.name}.tmp")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        model_folder.write(version, staging / "model")
        names = _write_code(champion.checkout(version), staging.resolve())
        staging.replace(destination)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    python = ".".join(map(str, sys.version_info[:2]))
    wheels = " ".join(str(destination / name) for name in names)
    return version, COMMANDS.substitute(folder=destination, wheels=wheels, names=", ".join(names), python=python)


def _write_code(project: Path, folder: Path) -> list[str]:
    """Write the job's file, the versions of packages, the project's wheel and those it keeps; the names of the wheels."""
    (folder / "score_job.py").write_text(JOB, encoding="utf-8")
    uv = os.environ.get("UV", "uv")
    run(uv, "build", "--quiet", "--wheel", f"--out-dir={folder}", cwd=project)
    (folder / ".gitignore").unlink(missing_ok=True)
    options = ("--frozen", "--no-default-groups", "--no-emit-project", "--no-hashes", "--no-header", "--no-annotate")
    lines = run(uv, "export", "--quiet", *options, cwd=project).splitlines()
    kept = [line for line in lines if re.match(r"\./\S+\.whl", line)]  # pip would look for them from where it is called
    for line in kept:
        shutil.copy(project / line.split()[0], folder)
    requirements = "".join(f"{line}\n" for line in lines if line not in kept)
    (folder / "requirements.txt").write_text(requirements, encoding="utf-8")
    return sorted(path.name for path in folder.glob("*.whl"))
