#!/usr/bin/env python3
"""Makes the schemas beside this script from the published ones: descriptions dropped, unknown fields refused.

    trim.py swagger.json kubeflow-crd.yaml apache-crd.yaml compose-spec.json OUTPUT_DIRECTORY

Sources (all Apache-2.0):
    swagger.json        github.com/kubernetes-client/python 0246584 kubernetes/swagger.json.unprocessed
                        (the OpenAPI v2 of Kubernetes, release-1.36)
    kubeflow-crd.yaml   github.com/kubeflow/spark-operator v2.5.2
                        charts/spark-operator-chart/crds/sparkoperator.k8s.io_sparkapplications.yaml
    apache-crd.yaml     github.com/apache/spark-kubernetes-operator d5acafd
                        build-tools/helm/spark-kubernetes-operator/crds/sparkapplications.spark.apache.org-v1.yaml
    compose-spec.json   github.com/compose-spec/compose-spec 170098b schema/compose-spec.json
Needs PyYAML. The output is sorted and has one line a definition, so that a newer source shows as a readable difference.
"""
import json
import sys

import yaml

KINDS = {
    "ConfigMap": "io.k8s.api.core.v1.ConfigMap",
    "Deployment": "io.k8s.api.apps.v1.Deployment",
    "LimitRange": "io.k8s.api.core.v1.LimitRange",
    "Namespace": "io.k8s.api.core.v1.Namespace",
    "NetworkPolicy": "io.k8s.api.networking.v1.NetworkPolicy",
    "PodTemplate": "io.k8s.api.core.v1.PodTemplate",
    "PersistentVolumeClaim": "io.k8s.api.core.v1.PersistentVolumeClaim",
    "Pod": "io.k8s.api.core.v1.Pod",
    "ResourceQuota": "io.k8s.api.core.v1.ResourceQuota",
    "Role": "io.k8s.api.rbac.v1.Role",
    "RoleBinding": "io.k8s.api.rbac.v1.RoleBinding",
    "Service": "io.k8s.api.core.v1.Service",
    "ServiceAccount": "io.k8s.api.core.v1.ServiceAccount",
    "ValidatingAdmissionPolicy": "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding": "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding",
}


def trimmed(node):
    """A schema without prose, refusing what its properties do not name."""
    if isinstance(node, list):
        return [trimmed(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("x-kubernetes-int-or-string") or node.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    result = {}
    for key, value in node.items():
        if key in ("description", "default", "format", "$id") or key.startswith("x-kubernetes"):
            continue
        if key in ("properties", "definitions", "patternProperties"):
            result[key] = {name: trimmed(schema) for name, schema in value.items()}
        else:
            result[key] = trimmed(value)
    if "properties" in result and "additionalProperties" not in result and not node.get(
            "x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = False
    return result


def references(node, found):
    if isinstance(node, list):
        for item in node:
            references(item, found)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                found.add(value.rsplit("/", 1)[1])
            else:
                references(value, found)


def kubernetes(swagger):
    definitions, wanted, done = {}, set(KINDS.values()), set()
    while wanted:
        name = wanted.pop()
        done.add(name)
        definition = swagger["definitions"][name]
        if name.endswith(".Quantity"):
            definition = {"type": ["string", "number"]}
        elif name.endswith(".IntOrString"):
            definition = {"type": ["string", "integer"]}
        elif name.endswith(".ManagedFieldsEntry"):
            definition = {"type": "object"}
        definitions[name] = trimmed(definition)
        found = set()
        references(definition, found)
        wanted |= found - done
    kinds = {}
    for kind, name in KINDS.items():
        group = swagger["definitions"][name]["x-kubernetes-group-version-kind"][0]
        version = "/".join(filter(None, (group["group"], group["version"])))
        kinds[version + "/" + kind] = name
    return {"kinds": kinds, "definitions": definitions}


def custom_resource(crd):
    versions = {version["name"]: version for version in crd["spec"]["versions"]}
    version = versions.get("v1") or versions["v1beta2"]
    schema = trimmed(version["schema"]["openAPIV3Schema"])
    schema["properties"].update(apiVersion={"type": "string"}, kind={"type": "string"}, metadata={"type": "object"})
    schema["properties"].pop("status", None)
    return {"apiVersion": crd["spec"]["group"] + "/" + version["name"], "schema": schema}


def write(path, document):
    with open(path, "w", encoding="utf-8") as out:
        out.write("{\n")
        out.write(",\n".join(
            json.dumps(key) + ": " + (
                "{\n" + ",\n".join(json.dumps(k) + ": " + json.dumps(v, sort_keys=True, separators=(",", ":"))
                                   for k, v in sorted(value.items())) + "\n}"
                if isinstance(value, dict) else json.dumps(value))
            for key, value in document.items()))
        out.write("\n}\n")


swagger_file, kubeflow_file, apache_file, compose_file, output = sys.argv[1:]
with open(swagger_file, encoding="utf-8") as source:
    write(output + "/kubernetes.json", kubernetes(json.load(source)))
for name, file in (("kubeflow", kubeflow_file), ("apache", apache_file)):
    with open(file, encoding="utf-8") as source:
        write(output + "/sparkapplication-" + name + ".json", custom_resource(yaml.safe_load(source)))
with open(compose_file, encoding="utf-8") as source:
    write(output + "/compose-spec.json", trimmed(json.load(source)))
