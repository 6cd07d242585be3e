"""JSON Schemas of the configuration, made from the models, for editors: `config/schema/*.json`.

A schema says the shape of a file: keys, kinds, formats, the connectors' words. What a file means
beside that (names that are taken, an ARN both selected and protected) only the program checks.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from support.tree import ROOT

from stopline.audiences import Notices
from stopline.configuration import installed_words
from stopline.estate import Estate
from stopline.formats import PATTERNS
from stopline.playbook import Playbook
from stopline.text import Json
from stopline.vendors import Vendor

FOLDER = ROOT / "config" / "schema"
MODELS: Mapping[str, type[BaseModel]] = {
    "vendor": Vendor,
    "playbook": Playbook,
    "estate": Estate,
    "notices": Notices,
}
FILES = {
    "vendor": "vendors/*.yaml",
    "playbook": "playbooks/*.yaml",
    "estate": "estate.yaml",
    "notices": "notices.yaml",
}


class _Generator(GenerateJsonSchema):
    """pydantic's generator, which does not see into our formats."""

    def function_after_schema(self, schema: Any) -> Json:
        """A value that one of our formats checks has that format's pattern."""
        made = super().function_after_schema(schema)
        pattern = PATTERNS.get(schema["function"]["function"])
        return {**made, "pattern": f"^(?:{pattern})$"} if pattern else made

    def dict_schema(self, schema: Any) -> Json:
        """A key that does not have the format of keys is a fault, not an unknown extra."""
        made = super().dict_schema(schema)
        return {**made, "additionalProperties": False} if "patternProperties" in made else made


def schema_of(name: str) -> Json:
    """The schema of one kind of file."""
    made = MODELS[name].model_json_schema(schema_generator=_Generator)
    if name == "playbook":
        made["$defs"]["Rule"]["anyOf"] = _words()
    _untitled(made)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": f"Of config/{FILES[name]}. Made by `make golden`; do not edit.",
        **made,
    }


def _words() -> list[Json]:
    """What a rule may say: a connector's word for what, and its words for how."""
    return [
        {
            "properties": {
                "connector": {"const": connector},
                "contains": {"const": contains},
                "how": {"enum": sorted(how)},
            },
            "required": ["how"],
        }
        for connector, words in sorted(installed_words().items())
        for contains, how in sorted(words.items())
    ]


def _untitled(schema: Json) -> None:
    """Take out the titles that only repeat a key, and unwrap what docstrings fold."""
    for value in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(value, dict | list):
            _untitled(value)
    if isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        if isinstance(text := schema.get("description"), str):
            schema["description"] = " ".join(text.split())


def text_of(name: str) -> str:
    """The text of one schema's file."""
    return f"{json.dumps(schema_of(name), indent=2, ensure_ascii=False)}\n"


def file_of(name: str) -> Path:
    """Where one schema is kept."""
    return FOLDER / f"{name}.json"
