#!/usr/bin/env python3
"""Compacts Kubernetes' own OpenAPI v3 documents into crates/core/merge/data/kubernetes.json.

See README.md beside this file for how it is rerun and what the output looks like.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

GVK = "x-kubernetes-group-version-kind"
LIST_TYPE = "x-kubernetes-list-type"
LIST_KEYS = "x-kubernetes-list-map-keys"
MAP_TYPE = "x-kubernetes-map-type"
STRATEGY = "x-kubernetes-patch-strategy"
MERGE_KEY = "x-kubernetes-patch-merge-key"

QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
RAW_EXTENSION = "io.k8s.apimachinery.pkg.runtime.RawExtension"

# Kinds that only travel in requests and watches; no object of them is ever merged.
NOT_OBJECTS = {"DeleteOptions", "WatchEvent", "Status", "APIGroup", "APIGroupList", "APIResourceList", "APIVersions"}


def documents_from_directory(directory):
    """The documents of a Kubernetes source tree, api/openapi-spec/v3."""
    for path in sorted(pathlib.Path(directory).glob("*_openapi.json")):
        yield json.loads(path.read_text())


def documents_from_server(kubectl):
    """The documents of a running server, asked for through kubectl (its kubeconfig applies)."""
    def get(path):
        return json.loads(subprocess.run([kubectl, "get", "--raw", path], check=True, capture_output=True).stdout)

    for _, entry in sorted(get("/openapi/v3")["paths"].items()):
        yield get(entry["serverRelativeURL"])


def collect(documents):
    """All named schemas; the same name says the same in every document."""
    schemas = {}
    for document in documents:
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            known = schemas.setdefault(name, schema)
            if GVK not in known and GVK in schema:
                known[GVK] = schema[GVK]
    return schemas


def reference(schema):
    """The name behind a $ref, also one wrapped in a single allOf."""
    target = schema.get("$ref")
    if target is None and len(schema.get("allOf", [])) == 1:
        target = schema["allOf"][0].get("$ref")
    return target and target.rsplit("/", 1)[1]


def short(name):
    """io.k8s.api.apps.v1.Deployment -> apps.v1.Deployment, unambiguous among Kubernetes' own."""
    for long, abbreviated in [
        ("io.k8s.apimachinery.pkg.apis.meta.", "meta."),
        ("io.k8s.apimachinery.pkg.", "machinery."),
        ("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.", "apiextensions."),
        ("io.k8s.kube-aggregator.pkg.apis.apiregistration.", "apiregistration."),
        ("io.k8s.api.", ""),
    ]:
        if name.startswith(long):
            return abbreviated + name[len(long):]
    return name


class Compactor:
    def __init__(self, schemas, zero):
        self.schemas = schemas
        self.zero = zero
        self.types = {}

    def expression(self, schema):
        """A type as text; see README.md for the grammar."""
        atomic = "@" if schema.get(MAP_TYPE) == "atomic" else ""
        name = reference(schema)
        if name is not None:
            return self.named(name) + atomic
        kind = schema.get("type")
        if kind == "object" and "properties" in schema:
            raise SystemExit(f"inline struct: {schema}")
        if kind == "object":
            extra = schema.get("additionalProperties")
            entries = self.expression(extra) if isinstance(extra, dict) else "deduced"
            return "{" + entries + "}" + atomic
        if kind == "array":
            return "[" + self.expression(schema["items"]) + "]" + self.list_kind(schema)
        return self.scalar(schema)

    def list_kind(self, schema):
        # As kube-openapi converts: the list type counts, else the patch strategy.
        list_type = schema.get(LIST_TYPE)
        if list_type == "set":
            return "set"
        if list_type == "map":
            return "map(" + ",".join(schema[LIST_KEYS]) + ")"
        if list_type is None and schema.get(STRATEGY) in ("merge", "merge,retainKeys"):
            return f"map({schema[MERGE_KEY]})" if MERGE_KEY in schema else "set"
        return ""

    def scalar(self, schema):
        kind, form = schema.get("type"), schema.get("format")
        if form == "int-or-string":
            text = "int-or-string"
        else:
            text = {
                ("string", None): "string",
                ("string", "byte"): "bytes",
                ("string", "date-time"): "time",
                ("boolean", None): "bool",
                ("integer", "int32"): "int32",
                ("integer", "int64"): "int64",
                ("integer", None): "int64",
                ("number", "double"): "double",
                ("number", None): "double",
                (None, None): "any",
            }[kind, form]
        if "enum" in schema:
            text += "<" + "|".join(schema["enum"]) + ">"
        return text

    def named(self, name):
        """Structs stay named, everything else is written where it is used."""
        if name == QUANTITY:
            return "quantity"
        if name == RAW_EXTENSION:
            return "raw"
        schema = self.schemas[name]
        if "properties" not in schema:
            return self.expression({key: value for key, value in schema.items() if key != GVK})
        if short(name) not in self.types:
            self.types[short(name)] = None  # Breaks the cycle of a recursive type.
            self.types[short(name)] = self.struct(schema, self.zero.get(name, {}))
        return short(name)

    def struct(self, schema, zero):
        out = {"f": {name: self.field(name, member, zero) for name, member in sorted(schema["properties"].items())}}
        if schema.get("required"):
            out["r"] = schema["required"]
        if schema.get(MAP_TYPE) == "atomic":
            out["a"] = True
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            out["e"] = self.expression(extra)
        elif extra is True:
            out["e"] = "deduced"
        return out

    def field(self, name, schema, zero):
        out = {"t": self.expression(schema)}
        # `{}` marks a plain struct in the documents; nothing is ever filled in from it.
        if "default" in schema and schema["default"] != {}:
            out["d"] = schema["default"]
        if name in zero.get("always", {}):
            out["w"] = zero["always"][name]
        if name in zero.get("omits", []):
            out["z"] = True
        if STRATEGY in schema:
            out["s"] = schema[STRATEGY]
        if MERGE_KEY in schema:
            out["k"] = schema[MERGE_KEY]
        return out["t"] if len(out) == 1 else out


def kinds(compactor):
    """`apps/v1/Deployment` -> the name of its type."""
    table = {}
    for name, schema in sorted(compactor.schemas.items()):
        properties = schema.get("properties", {})
        if "kind" not in properties or "apiVersion" not in properties:
            continue
        for gvk in schema.get(GVK, []):
            kind = gvk["kind"]
            if kind in NOT_OBJECTS or (kind.endswith("List") and "items" in properties):
                continue
            key = "/".join(part for part in (gvk["group"], gvk["version"], kind) if part)
            table[key] = compactor.named(name)
    return table


def write(path, version, table, types):
    line = lambda value: json.dumps(value, separators=(",", ":"), sort_keys=True)
    rows = ",\n".join(f"{line(name)}:{line(types[name])}" for name in sorted(types))
    text = f'{{"version":{line(version)},\n"kinds":{line(table)},\n"types":{{\n{rows}\n}}}}\n'
    pathlib.Path(path).write_text(text)
    return len(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--directory", help="api/openapi-spec/v3 of the module k8s.io/kubernetes")
    source.add_argument("--server", metavar="KUBECTL", help="ask a running server through this kubectl")
    parser.add_argument("--zero", required=True, help="what `go run ./zero` printed")
    parser.add_argument("--version", required=True, help="what is recorded in the file, e.g. v1.34.4")
    parser.add_argument("--out", default=str(pathlib.Path(__file__).parents[2] / "crates/core/merge/data/kubernetes.json"))
    args = parser.parse_args()
    if not re.fullmatch(r"v\d+\.\d+\.\d+", args.version):
        parser.error("want a version like v1.34.4")

    documents = documents_from_directory(args.directory) if args.directory else documents_from_server(args.server)
    compactor = Compactor(collect(documents), json.loads(pathlib.Path(args.zero).read_text()))
    table = kinds(compactor)
    size = write(args.out, args.version, table, compactor.types)
    print(f"{args.out}: {len(table)} kinds, {len(compactor.types)} types, {size // 1024} KiB", file=sys.stderr)


if __name__ == "__main__":
    main()
