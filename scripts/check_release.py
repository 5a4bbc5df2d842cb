#!/usr/bin/env python3
"""The version stands in audit_ext.control; all other files that name it agree. META.json is what PGXN's specification 1.0.0
asks for. debian/control is made from control.in."""
import json
import os
import re
import sys

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SEMANTIC_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+)?")
REQUIRED = {"name": str, "version": str, "abstract": str, "maintainer": (str, list), "license": (str, list, dict), "provides": dict,
            "meta-spec": dict}
OPTIONAL = {"description": str, "generated_by": str, "tags": list, "no_index": dict, "prereqs": dict, "release_status": str,
            "resources": dict}
PHASES = {"configure", "build", "test", "runtime", "develop"}
RELATIONS = {"requires", "recommends", "suggests", "conflicts"}


def read(*path):
    with open(os.path.join(REPOSITORY, *path), encoding="utf-8") as file:
        return file.read()


def first(pattern, *path):
    found = re.search(pattern, read(*path), re.MULTILINE)
    return found and found[1]


def version_faults(version):
    meta = json.loads(read("META.json"))
    named = {
        "META.json, version": (meta["version"], f"{version}.0"),
        **{f"META.json, {name}": (extension["version"], f"{version}.0") for name, extension in meta["provides"].items()},
        "debian/changelog": (first(r"^audit-ext \((.*?)\)", "debian", "changelog"), version),
        "CHANGELOG.md": (first(r"^## (\S+)", "CHANGELOG.md"), version),
    }
    return [f"{place} names {found}, not {wanted}." for place, (found, wanted) in named.items() if found != wanted]


def is_version(value):
    return value == 0 or isinstance(value, str) and all(
        SEMANTIC_VERSION.fullmatch(re.sub(r"^\s*(>=|<=|>|<|==|!=)?\s*", "", part)) for part in value.split(","))


def meta_faults():
    meta = json.loads(read("META.json"))
    known = {**REQUIRED, **OPTIONAL}
    yield from (f"{key} is missing." for key in REQUIRED.keys() - meta.keys())
    for key, value in meta.items():
        if not key.lower().startswith("x_") and not isinstance(value, known.get(key, ())):
            yield f"{key} is unknown, or of another type."
    if not re.fullmatch(r"[^\s/\\\x00-\x1f\x7f]{2,}", meta["name"]) or not SEMANTIC_VERSION.fullmatch(meta["version"]):
        yield "name or version is malformed."
    if meta["license"] != "postgresql" or meta["meta-spec"].get("version") != "1.0.0":
        yield "license or meta-spec is another."
    for name, extension in meta["provides"].items():
        if not SEMANTIC_VERSION.fullmatch(extension["version"]) or not os.path.exists(os.path.join(REPOSITORY, f"{name}.control")):
            yield f"{name} has a malformed version, or no control file."
        yield from (f"{name}: there is no {path}." for path in (extension["file"], extension.get("docfile", "README.md"))
                    if not os.path.isfile(os.path.join(REPOSITORY, path)))
    for phase, relations in meta.get("prereqs", {}).items():
        if phase not in PHASES or not relations.keys() <= RELATIONS:
            yield f"prereqs: {phase} is unknown, or a relation of it."
        yield from (f"prereqs: {name} {wanted!r} is no version." for relation in relations.values()
                    for name, wanted in relation.items() if not is_version(wanted))


def control_faults():
    oldest = first(r"^constexpr int oldest_known_major = (\d+);", "src", "pg", "base", "pg_compat.hpp")
    if first(r"^(\d+)\+$", "debian", "pgversions") != oldest:
        yield f"debian/pgversions does not begin with {oldest}."
    if read("debian", "control") != read("debian", "control.in").replace("PGVERSION", oldest):
        yield f"debian/control is not control.in for PostgreSQL {oldest}: pg_buildext updatecontrol."


faults = [*version_faults(first(r"^default_version = '(.*)'", "audit_ext.control")), *meta_faults(), *control_faults()]
print("\n".join(faults), end="\n" if faults else "")
sys.exit(bool(faults))
