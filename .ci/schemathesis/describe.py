#!/usr/bin/env python3
"""An OpenAPI 3.1 description of a FHIR endpoint from its CapabilityStatement, for Patient and Observation.

As fair as we can make it: bodies are typed, every status that R4 allows is documented, search parameters and
conditional headers are declared, and links lead from a create to what can be done with the resource. Not a general
converter: other types and operations are left out, for both tools.

usage: describe.py BASE > openapi.json
"""

import json
import sys
import urllib.request

FHIR = "application/fhir+json"
TYPES = ["Patient", "Observation"]
ID = r"^[A-Za-z0-9\-.]{1,64}$"
# Primitives as R4 defines them, no narrower: what a server rightly takes must not count as wrong.
STRING = {"type": "string", "pattern": r"^[ \r\n\t\S]+$"}
CODE = {"type": "string", "pattern": r"^[^\s]+(\s[^\s]+)*$"}
URI = {"type": "string", "pattern": r"^\S+$"}
DATE = {"anyOf": [
    {"type": "string", "format": "date"},
    {"type": "string", "pattern": r"^[1-9][0-9]{3}(-(0[1-9]|1[0-2]))?$"},
]}
GENDERS = ["male", "female", "other", "unknown"]
STATUSES = ["registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"]
# Search parameters whose values can be typed, by type of parameter; others are left out.
VALUES = {"token": {"type": "string", "minLength": 1}, "string": {"type": "string", "minLength": 1}, "date": DATE}
CODED = {
    ("Patient", "gender"): GENDERS,
    ("Patient", "active"): ["true", "false"],
    ("Observation", "status"): STATUSES,
}


def closed(properties, required=()):
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


def listed(items):
    return {"type": "array", "items": items, "minItems": 1}


def loose(schema):
    """What an answer must look like: types and required codes, but not what only binds a client."""
    dropped = {"pattern", "format", "required", "dependentRequired", "minItems", "minProperties", "additionalProperties"}
    if isinstance(schema, list):
        return [loose(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: loose(value) for name, value in schema.items() if name not in dropped}


def schemas():
    coding = {**closed({"system": URI, "code": CODE, "display": STRING}), "minProperties": 1}
    concept = {**closed({"coding": listed(coding), "text": STRING}), "minProperties": 1}
    quantity = closed({"value": {"type": "number"}, "unit": STRING, "system": URI, "code": CODE}, ["value"])
    # qty-3: a code has a system.
    quantity["dependentRequired"] = {"code": ["system"]}
    name = closed({
        "use": {"type": "string", "enum": ["usual", "official", "temp", "nickname", "anonymous", "old", "maiden"]},
        "family": STRING,
        "given": listed(STRING),
    }, ["family"])
    identifier = closed({"system": URI, "value": STRING}, ["system", "value"])
    patient = {
        "resourceType": {"const": "Patient"},
        "identifier": listed(identifier),
        "active": {"type": "boolean"},
        "name": listed(name),
        "gender": {"type": "string", "enum": GENDERS},
        "birthDate": DATE,
    }
    observation = {
        "resourceType": {"const": "Observation"},
        "identifier": listed(identifier),
        "status": {"type": "string", "enum": STATUSES},
        "code": concept,
        "effectiveDateTime": DATE,
        "valueQuantity": quantity,
    }
    meta = {
        "type": "object",
        "properties": {"versionId": {"type": "string"}, "lastUpdated": {"type": "string"}},
    }

    def stored(properties, required):
        properties = {**loose(properties), "id": {"type": "string", "pattern": ID}, "meta": meta}
        # A server may add elements of its own.
        return {"type": "object", "properties": properties, "required": ["resourceType", "id", *required]}

    return {
        "PatientBody": closed(patient, ["resourceType"]),
        "PatientPut": closed({**patient, "id": {"type": "string", "pattern": ID}}, ["resourceType", "id"]),
        "Patient": stored(patient, []),
        "ObservationBody": closed(observation, ["resourceType", "status", "code"]),
        "ObservationPut": closed({**observation, "id": {"type": "string", "pattern": ID}},
                                 ["resourceType", "id", "status", "code"]),
        "Observation": stored(observation, ["status", "code"]),
        "Bundle": {
            "type": "object",
            "properties": {
                "resourceType": {"const": "Bundle"},
                "type": {"type": "string", "enum": ["searchset", "history"]},
                "total": {"type": "integer", "minimum": 0},
                "link": {"type": "array"},
                "entry": {"type": "array"},
            },
            "required": ["resourceType", "type"],
        },
        "OperationOutcome": {
            "type": "object",
            "properties": {
                "resourceType": {"const": "OperationOutcome"},
                "issue": {"type": "array", "minItems": 1, "items": {
                    "type": "object",
                    "properties": {
                        "severity": {"type": "string", "enum": ["fatal", "error", "warning", "information"]},
                        "code": {"type": "string"},
                    },
                    "required": ["severity", "code"],
                }},
            },
            "required": ["resourceType", "issue"],
        },
    }


def content(name):
    return {FHIR: {"schema": ref(name)}}


def header(pattern=None):
    schema = {"type": "string"}
    if pattern:
        schema["pattern"] = pattern
    return {"required": True, "schema": schema}


ETAG = {"ETag": header(r'^W/".+"$')}
DATED = {**ETAG, "Last-Modified": header()}


def errors(*codes):
    # What goes wrong before a route is chosen is documented everywhere.
    codes = {"400", "404", "405", "406", "415", "422", *codes}
    return {code: {"description": "refused", "content": content("OperationOutcome")} for code in sorted(codes)}


def links(kind, parameters):
    names = [f"read{kind}", f"update{kind}", f"delete{kind}", f"history{kind}"]
    return {name: {"operationId": name, "parameters": parameters} for name in names}


def parameter(name, place, schema, required=False):
    return {"name": name, "in": place, "required": required, "schema": schema}


def searches(kind, resource):
    found = []
    for declared in resource.get("searchParam", []):
        name, form = declared["name"], declared.get("type")
        if (kind, name) in CODED:
            schema = {"type": "string", "enum": CODED[(kind, name)]}
        elif name.startswith("_") or form not in VALUES:
            continue
        else:
            schema = VALUES[form]
        found.append(parameter(name, "query", schema))
        if form == "token":
            found.append(parameter(f"{name}:not", "query", schema))
        if form == "string":
            found.append(parameter(f"{name}:exact", "query", schema))
    common = [
        parameter("_id", "query", {"type": "string", "pattern": ID}),
        parameter("_count", "query", {"type": "integer", "minimum": 1, "maximum": 50}),
        parameter("_summary", "query", {"type": "string", "enum": ["true", "false", "count"]}),
        parameter("_sort", "query", {"type": "string", "enum": ["_lastUpdated", "-_lastUpdated"]}),
    ]
    return found + common


def paths(kind, resource):
    can = {interaction["code"] for interaction in resource["interaction"]}
    by_id = [parameter("id", "path", {"type": "string", "pattern": ID}, True)]
    matching = [parameter("If-Match", "header", {"type": "string", "pattern": r'^W/"[A-Za-z0-9]{1,8}"$'})]
    created = {
        "description": "created",
        "headers": {**DATED, "Location": header(rf"{kind}/.+")},
        "content": content(kind),
        "links": links(kind, {"id": "$response.body#/id"}),
    }
    updated = {
        "description": "updated",
        "headers": DATED,
        "content": content(kind),
        "links": links(kind, {"id": "$response.body#/id"}),
    }
    one = {"description": "the resource", "headers": DATED, "content": content(kind)}
    bundle = {"description": "a Bundle", "content": content("Bundle")}
    made = {}
    if "search-type" in can:
        made.setdefault(f"/{kind}", {})["get"] = {
            "operationId": f"search{kind}",
            "parameters": searches(kind, resource),
            "responses": {"200": bundle, **errors()},
        }
    if "create" in can:
        parameters = []
        if resource.get("conditionalCreate"):
            form = {"type": "string", "pattern": r"^identifier=[a-z]{1,8}\|[a-z0-9]{1,12}$"}
            parameters.append(parameter("If-None-Exist", "header", form))
        made.setdefault(f"/{kind}", {})["post"] = {
            "operationId": f"create{kind}",
            "parameters": parameters,
            "requestBody": {"required": True, "content": content(f"{kind}Body")},
            "responses": {"201": created, "200": updated, **errors("412")},
        }
    item = made.setdefault(f"/{kind}/{{id}}", {})
    if "read" in can:
        item["get"] = {
            "operationId": f"read{kind}",
            "parameters": by_id,
            "responses": {"200": one, **errors("410")},
        }
    if "update" in can:
        item["put"] = {
            "operationId": f"update{kind}",
            "parameters": by_id + matching,
            "requestBody": {"required": True, "content": content(f"{kind}Put")},
            "responses": {"200": updated, "201": created, **errors("409", "410", "412")},
        }
    if "delete" in can:
        done = {"description": "deleted"}
        item["delete"] = {
            "operationId": f"delete{kind}",
            "parameters": by_id + matching,
            "responses": {"204": done, "200": done, **errors("409", "410", "412")},
        }
    if "history-instance" in can:
        made[f"/{kind}/{{id}}/_history"] = {"get": {
            "operationId": f"history{kind}",
            "parameters": by_id + [parameter("_count", "query", {"type": "integer", "minimum": 1, "maximum": 50})],
            "responses": {"200": bundle, **errors("410")},
        }}
    if "vread" in can:
        version = [parameter("vid", "path", {"type": "string", "pattern": r"^[A-Za-z0-9]{1,8}$"}, True)]
        made[f"/{kind}/{{id}}/_history/{{vid}}"] = {"get": {
            "operationId": f"vread{kind}",
            "parameters": by_id + version,
            "responses": {"200": one, **errors("410")},
        }}
        known = {"id": "$response.body#/id", "vid": "$response.body#/meta/versionId"}
        for answer in (created, updated):
            answer["links"][f"vread{kind}"] = {"operationId": f"vread{kind}", "parameters": known}
    return made


def describe(base):
    with urllib.request.urlopen(f"{base}/metadata", timeout=30) as answer:
        statement = json.load(answer)
    resources = {resource["type"]: resource for resource in statement["rest"][0]["resource"]}
    described = {}
    for kind in TYPES:
        described.update(paths(kind, resources[kind]))
    return {
        "openapi": "3.1.0",
        "info": {"title": "FHIR R4", "version": statement.get("fhirVersion", "4.0.1")},
        "servers": [{"url": base}],
        "paths": described,
        "components": {"schemas": schemas()},
    }


if __name__ == "__main__":
    json.dump(describe(sys.argv[1].rstrip("/")), sys.stdout, indent=1)
    print()
