"""The environment variables beside the settings of the service, which are in `serving/settings.py`."""

VARIABLES = {
    "FACTORY_DATABASE": "address of the database that `--query` reads, in place of `--from`",
    "FACTORY_PROMETHEUS": "address of Prometheus, from which the dashboard has figures of the service",
    "FACTORY_REGISTRY": "registry of images, in place of `registry` in environments.yaml",
    "FACTORY_TARGET": "where `deploy` works, in place of `host` in environments.yaml",
    "FACTORY_URL": "address of the service, in place of `url` in environments.yaml",
    "FACTORY_KEY": "secret: key of the caller as which `deploy` asks the service",
    "FACTORY_SIGNING_KEY": "secret: private SSH key, or its file, that signs versions, models, provenance and records in place of Git's",
    "FACTORY_TOKEN": "secret: token with which `summary`, `propose`, `update`, `status` and `doctor` ask and write to the platform",
    "FACTORY_PROPOSE_TOKEN": "secret: token with which a deployment by Git opens its pull request, in place of the job's own",
    "FACTORY_WORK_ITEM": "type of the work item that an alert becomes on Azure DevOps (Issue by default)",
    "FACTORY_TEST_ROWS": "number of the sample's rows that tests train with (6000 by default)",
    "FACTORY_PIPELINE": "pipeline that a schedule or a call starts on GitLab: model, retrain, monitor, status or template-update",
    "FACTORY_RUNNER": "runner of jobs on GitHub",
    "FACTORY_POOL": "pool of agents on Azure DevOps",
    "FACTORY_IMAGE": "image of the agents on Azure DevOps",
    "FACTORY_PYTHON": "version of Python in pipelines",
    "FACTORY_OLDEST_PYTHON": "oldest version of Python that pipelines test with",
    "FACTORY_MINUTES": "most minutes of a job that trains, on GitHub",
    "FACTORY_SSH_KEY": "secret: private key for storage over SSH, on GitHub",
    "FACTORY_DEPLOY_KEY": "secret: private key for a target over SSH, on GitHub",
    "MLFLOW_TRACKING_URI": "address of the MLflow server where `evaluate` also records the run",
    "REGISTRY_IMAGE": "image of the registry that `publish` starts where no address is set",
    "SKIP": "names of checks that `factory check` leaves out, separated by commas",
}
"""What each is, by its name."""
