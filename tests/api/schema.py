# SPDX-License-Identifier: MIT
"""Checks a JSON value against a schema of docs/openapi.json: the few keywords of JSON Schema that it uses, and an error for any other."""
import re

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
KNOWN = {"type", "enum", "const", "pattern", "format", "minimum", "maximum", "maxLength", "minItems", "maxItems", "items", "required", "properties", "allOf", "oneOf", "$ref",
         "description", "default"}


class Schema:
    def __init__(self, document):
        self.document = document

    def faults(self, name, value):
        """What is wrong with `value` as a components/schemas/`name`, one sentence each; empty when nothing is."""
        return list(self._check({"$ref": f"#/components/schemas/{name}"}, value, name))

    def check_references(self):
        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    self._resolve(node["$ref"])
                for part in node.values():
                    walk(part)
            elif isinstance(node, list):
                for part in node:
                    walk(part)

        walk(self.document)

    def _resolve(self, reference):
        node = self.document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        return node

    def _check(self, schema, value, where):
        unknown = set(schema) - KNOWN
        if unknown:
            raise ValueError(f"schema keywords that nobody checks: {unknown}")
        if "$ref" in schema:
            yield from self._check(self._resolve(schema["$ref"]), value, where)
        for part in schema.get("allOf", []):
            yield from self._check(part, value, where)
        if "oneOf" in schema and sum(not list(self._check(part, value, where)) for part in schema["oneOf"]) != 1:
            yield f"{where}: fits not exactly one of its schemas"
        yield from self._check_value(schema, value, where)
        if isinstance(value, dict):
            yield from (f"{where}: lacks {name}" for name in schema.get("required", []) if name not in value)
            for name, part in schema.get("properties", {}).items():
                if name in value:
                    yield from self._check(part, value[name], f"{where}.{name}")
        if isinstance(value, list) and "items" in schema:
            for index, item in enumerate(value):
                yield from self._check(schema["items"], item, f"{where}[{index}]")

    def _check_value(self, schema, value, where):
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        if types and not any(has_type(value, kind) for kind in types):
            yield f"{where}: is no {' or '.join(types)}"
            return
        if "enum" in schema and value not in schema["enum"] or "const" in schema and value != schema["const"]:
            yield f"{where}: is none of the named values"
        if has_type(value, "integer") and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield f"{where}: out of range"
        if isinstance(value, str):
            if "pattern" in schema and not re.search(schema["pattern"], value) or len(value) > schema.get("maxLength", len(value)):
                yield f"{where}: has not the right form"
            if schema.get("format") == "date-time" and not DATE_TIME.fullmatch(value):
                yield f"{where}: is no time in UTC with milliseconds"
        if isinstance(value, list) and not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{where}: has {len(value)} items"


def has_type(value, kind):
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[kind])
