"""The Kubernetes manifests: taken by Kubernetes' own schemas, whole among themselves, and true about the bot."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from kubernetes_validate import ValidationError, validate  # type: ignore[import-untyped]  # it has no types

from bot import __version__
from bot.settings import Settings, env_name
from tests.deploy.files import GOODBYES_SECONDS, KUBERNETES, doors, manifests, read_yaml, unknown_settings

Manifest = dict[str, Any]
OLDEST, NEWEST = "1.30", "1.37"
"""In 1.30 a pause before SIGTERM needs no program in the image for the first time."""
ALL = manifests()
DEPLOYMENTS = {path: each for path, each in ALL.items() if each["kind"] == "Deployment"}
BOT, WORKER = ALL["bot/deployment.yaml"], ALL["roles/worker.yaml"]


def pod(deployment: Manifest) -> Manifest:
    spec: Manifest = deployment["spec"]["template"]["spec"]
    return spec


def container(deployment: Manifest) -> Manifest:
    (only,) = pod(deployment)["containers"]
    found: Manifest = only
    return found


def of_kind(kind: str) -> list[Manifest]:
    return [manifest for manifest in ALL.values() if manifest["kind"] == kind]


def labels(deployment: Manifest) -> Mapping[str, str]:
    found: Mapping[str, str] = deployment["spec"]["template"]["metadata"]["labels"]
    return found


# What Kubernetes says.


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("path", ALL)
def test_kubernetes_takes_it(path: str, version: str) -> None:
    assert validate(ALL[path], version, strict=True) == version


def misspell(manifest: Manifest) -> None:
    container(manifest)["readynessProbe"] = container(manifest).pop("readinessProbe")


def retype(manifest: Manifest) -> None:
    manifest["spec"]["replicas"] = "two"


def leave_out(manifest: Manifest) -> None:
    del manifest["spec"]["selector"]


@pytest.mark.parametrize("spoil", [misspell, retype, leave_out])
def test_it_would_refuse_what_is_wrong(spoil: Callable[[Manifest], None]) -> None:
    wrong = copy.deepcopy(BOT)
    spoil(wrong)
    with pytest.raises(ValidationError):
        validate(wrong, NEWEST, strict=True)


# Whole among themselves.


def test_every_manifest_is_applied_or_an_example() -> None:
    applied = set()
    for kustomization in KUBERNETES.rglob("kustomization.yaml"):
        for resource in read_yaml(kustomization)["resources"]:
            path = (kustomization.parent / resource).resolve()
            assert path.exists()
            applied.add(str(path.relative_to(KUBERNETES)))
    assert {path for path in ALL if not path.endswith(".example.yaml")} == applied - {"bot"}


def test_images_are_of_this_version() -> None:
    images = [image for path in KUBERNETES.rglob("kustomization.yaml") for image in read_yaml(path)["images"]]
    assert {(image["name"], image["newTag"]) for image in images} == {("buildbell", __version__)}
    assert {container(deployment)["image"] for deployment in DEPLOYMENTS.values()} == {"buildbell"}


@pytest.mark.parametrize("path", DEPLOYMENTS)
def test_selectors_find_their_pods(path: str) -> None:
    deployment = DEPLOYMENTS[path]
    selected = deployment["spec"]["selector"]["matchLabels"]
    assert selected.items() <= labels(deployment).items()
    (spread,) = pod(deployment)["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == selected


def test_requests_go_to_those_who_take_them() -> None:
    (service,) = of_kind("Service")
    assert service["spec"]["selector"].items() <= labels(BOT).items()
    assert not service["spec"]["selector"].items() <= labels(WORKER).items()
    (port,) = service["spec"]["ports"]
    assert port["targetPort"] in {port["name"] for port in container(BOT)["ports"]}


def test_the_budget_and_the_policy_are_for_our_pods() -> None:
    (budget,), (policy,) = of_kind("PodDisruptionBudget"), of_kind("NetworkPolicy")
    assert budget["spec"]["selector"]["matchLabels"].items() <= labels(BOT).items()
    for deployment in DEPLOYMENTS.values():
        assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels(deployment).items()
    (inward,) = policy["spec"]["ingress"]
    assert [port["port"] for port in inward["ports"]] == [container(BOT)["ports"][0]["containerPort"]]


def test_the_policy_names_who_may_come_in() -> None:
    """A rule without ``from``, or with an empty selector, lets every pod of the cluster in."""
    (policy,) = of_kind("NetworkPolicy")
    for rule in policy["spec"]["ingress"]:
        assert rule["from"]
        for peer in rule["from"]:
            assert all(selector.get("matchLabels") or selector.get("matchExpressions") for selector in peer.values())


def test_settings_come_from_what_is_there() -> None:
    names = {(kind, manifest["metadata"]["name"]) for kind in ("ConfigMap", "Secret") for manifest in of_kind(kind)}
    for deployment in DEPLOYMENTS.values():
        sources = container(deployment)["envFrom"]
        asked = {(kind, source[key]["name"]) for source in sources for key, kind in REFERENCES.items() if key in source}
        assert asked == names


REFERENCES = {"configMapRef": "ConfigMap", "secretRef": "Secret"}


def test_the_worker_differs_in_its_role_alone() -> None:
    bot, worker = copy.deepcopy(pod(BOT)), copy.deepcopy(pod(WORKER))
    bot["containers"][0] |= {"args": ["run", "--role", "worker"]}
    del bot["containers"][0]["lifecycle"]
    assert bot.pop("topologySpreadConstraints") != worker.pop("topologySpreadConstraints")
    assert bot == worker


def test_the_patch_gives_the_others_the_role_of_taking_requests() -> None:
    (patch,) = read_yaml(KUBERNETES / "roles" / "kustomization.yaml")["patches"]
    (change,) = yaml.safe_load(patch["patch"])
    assert patch["target"] == {"kind": "Deployment", "name": BOT["metadata"]["name"]}
    assert (change["path"], change["value"]) == ("/spec/template/spec/containers/0/args", ["run", "--role", "web"])


# True about the bot.


def settings_of(kind: str, key: str) -> dict[str, str]:
    (manifest,) = of_kind(kind)
    found: dict[str, str] = manifest[key]
    return found


def test_every_setting_is_one() -> None:
    for path in KUBERNETES.rglob("*.yaml"):
        assert unknown_settings(path.read_text()) == [], path.name


def test_the_settings_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (settings_of("ConfigMap", "data") | settings_of("Secret", "stringData")).items():
        monkeypatch.setenv(name, value)
    settings = Settings(_env_file=None)
    assert (settings.host, settings.port) == ("0.0.0.0", container(BOT)["ports"][0]["containerPort"])
    assert settings.log_format == "json"


def test_secrets_are_in_the_secret_and_nowhere_else() -> None:
    secret = {env_name(name) for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    assert secret & settings_of("ConfigMap", "data").keys() == set()
    filled = {name for name, value in settings_of("Secret", "stringData").items() if value}
    assert filled == {"BUILDBELL_DATABASE_URL"}, "an example has no secrets in it"
    assert "@" in (url := settings_of("Secret", "stringData")["BUILDBELL_DATABASE_URL"])
    assert urlsplit(url).password is None


@pytest.mark.parametrize("path", DEPLOYMENTS)
def test_probes_and_scrapes_ask_at_doors_that_are_there(path: str) -> None:
    asked = container(DEPLOYMENTS[path])
    assert {asked[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "liveness")} == {"/healthz"}
    assert asked["readinessProbe"]["httpGet"]["path"] == "/readyz"
    told = DEPLOYMENTS[path]["spec"]["template"]["metadata"]["annotations"]
    assert {"/healthz", "/readyz", told["prometheus.io/path"]} <= doors()
    assert told["prometheus.io/port"] == str(asked["ports"][0]["containerPort"])


def test_the_ingress_opens_every_door_but_those_for_operators() -> None:
    (ingress,) = of_kind("Ingress")
    (rule,) = ingress["spec"]["rules"]
    opened = {path["path"] for path in rule["http"]["paths"]}
    assert {door for door in doors() if any(f"{door}/".startswith(f"{path}/") for path in opened)} == (
        doors() - {"/healthz", "/readyz", "/metrics"}
    )
    (service,) = of_kind("Service")
    backends = [path["backend"]["service"] for path in rule["http"]["paths"]]
    assert {each["name"] for each in backends} == {service["metadata"]["name"]}
    assert {each["port"]["name"] for each in backends} <= {port["name"] for port in service["spec"]["ports"]}


@pytest.mark.parametrize("path", DEPLOYMENTS)
def test_there_is_time_to_end(path: str) -> None:
    pause = container(DEPLOYMENTS[path]).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    needed = pause + float(settings_of("ConfigMap", "data")["BUILDBELL_SHUTDOWN_SECONDS"]) + GOODBYES_SECONDS
    assert pod(DEPLOYMENTS[path])["terminationGracePeriodSeconds"] >= needed


@pytest.mark.parametrize("path", DEPLOYMENTS)
def test_a_service_of_our_name_does_not_set_our_port(path: str) -> None:
    assert pod(DEPLOYMENTS[path])["enableServiceLinks"] is False


@pytest.mark.parametrize("path", DEPLOYMENTS)
def test_it_may_do_little(path: str) -> None:
    """What the restricted standard asks for. https://kubernetes.io/docs/concepts/security/pod-security-standards/"""
    of_pod, of_container = pod(DEPLOYMENTS[path])["securityContext"], container(DEPLOYMENTS[path])["securityContext"]
    assert of_pod["runAsNonRoot"] is True
    assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert of_container["allowPrivilegeEscalation"] is False
    assert of_container["capabilities"] == {"drop": ["ALL"]}
    assert of_container["readOnlyRootFilesystem"] is True
    assert pod(DEPLOYMENTS[path])["automountServiceAccountToken"] is False
    assert "memory" in container(DEPLOYMENTS[path])["resources"]["limits"]


def test_socket_mode_has_room_for_all_while_they_are_replaced() -> None:
    most = BOT["spec"]["replicas"] + BOT["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
    assert 2 * most <= 10
