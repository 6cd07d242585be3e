"""YAML text as data that knows its lines, and as a typed model. Pure: text in, faults out.

Every fault of a file is named at once, with its line. What YAML does behind a writer's back is
refused or taken for what it looks like: a key given twice, digits meant as an account id, octals,
`no` read as false; dates stay text. Nothing raises anything but ConfigError, whatever the text.

The language: https://yaml.org/spec/1.1/ as read by PyYAML, https://pyyaml.org/wiki/PyYAMLDocumentation
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Generic, TypeVar, cast, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from stopline.errors import ConfigError
from stopline.text import Json

Path = tuple[str | int, ...]
"""Where something stands in a file: keys and, in lists, numbers from 0."""

Model = TypeVar("Model", bound=BaseModel)

LONGEST = 200_000
"""Characters. No file of ours comes near, and PyYAML is slow."""
LONGEST_FAULT = 400
MOST_NODES = 100_000
"""After aliases are followed, so that a few lines cannot multiply into gigabytes."""

NEXT_STEP = "Correct the file; `stopline vendor check` reads it again."


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong, and the line where it stands (from 1; 0 where there is none)."""

    line: int
    message: str


def config_error(file: str, faults: Iterable[Fault]) -> ConfigError:
    """Make the one error of a file: a line `file:line: fault` for each, in the file's order."""
    lines = []
    for fault in sorted(set(faults)):
        where = f"{file}:{fault.line}" if fault.line else file
        lines.append(f"{where}: {fault.message[:LONGEST_FAULT]}")
    return ConfigError("\n".join(lines), NEXT_STEP)


@dataclass(frozen=True, slots=True)
class Reading(Generic[Model]):
    """A model as read from a file, which still knows the line of everything in it."""

    value: Model
    file: str
    lines: Mapping[Path, int]

    @property
    def stem(self) -> str:
        """The file's name without folders and without `.yaml`."""
        return self.file.rpartition("/")[2].removesuffix(".yaml")

    def checked(self, faults: Iterable[tuple[Path, str]]) -> Model:
        """Return the model. Raises ConfigError with the faults of its meaning, if there are any."""
        found = [Fault(_line(self.lines, path), message) for path, message in faults]
        if found:
            raise config_error(self.file, found)
        return self.value


def read(text: str, file: str, model: type[Model]) -> Reading[Model]:
    """Read a file's text as a model. Raises ConfigError with all faults of its shape."""
    plain = _plain(text)
    if not plain.whole:
        raise config_error(file, plain.faults)
    try:
        value = model.model_validate(plain.data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        plain.faults.extend(_fault(e, plain, model) for e in found if not _echo(e, plain))
    if plain.faults:
        raise config_error(file, plain.faults)
    return Reading(value, file, plain.lines)


def line_of(text: str, file: str, path: Path) -> int:
    """The line of what stands at a path, or of the nearest thing around it.

    Raises ConfigError where the text is no YAML.
    """
    plain = _plain(text)
    if not plain.whole:
        raise config_error(file, plain.faults)
    return _line(plain.lines, path)


def _line(lines: Mapping[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest thing around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


# --- YAML to data --------------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader in which a date is text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, shape) for tag, shape in known if not tag.endswith(":timestamp")]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

_READ_AS = {"int": "a number", "float": "a number", "bool": "true or false", "null": "nothing"}
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_Inside = tuple[int, ...]  # the nodes around one, to notice an alias to one of them
_CRASHES = (ValueError, OverflowError, IndexError, KeyError, RecursionError)
"""What PyYAML lets out besides its own errors: `"\\UFFFFFFFF"`, a huge `%YAML`, deep nesting."""


@dataclass
class _Plain:
    """What a text says: data, the line of each path, and how scalars were written."""

    data: Json = None
    lines: dict[Path, int] = field(default_factory=dict)
    raw: dict[Path, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    whole: bool = False
    nodes: int = 0

    def add(self, line: int, message: str) -> None:
        self.faults.append(Fault(line, message))


class _TooMuchError(ValueError):
    """The text cannot be followed to its end; carries the fault."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(line, message)


def _plain(text: str) -> _Plain:
    plain = _Plain()
    root = _root(text, plain)
    if root is None:
        return plain
    try:
        plain.data = _value(root, (), plain, ())
    except _TooMuchError as error:
        plain.faults.append(error.fault)
    except RecursionError:
        plain.add(1, "nested too deeply to be read")
    else:
        plain.whole = True
    return plain


def _root(text: str, plain: _Plain) -> yaml.Node | None:
    """The one document of a text; None, with a fault, where there is not exactly one."""
    if len(text) > LONGEST:
        plain.add(0, f"is longer than {LONGEST} characters; that is no file of ours")
        return None
    try:
        documents = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        plain.add(line, f"the character U+{error.character:04X} cannot stand in a YAML file")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        plain.add(mark.line + 1 if mark else 1, f"not readable as YAML: {_problem(error)}")
    except (yaml.YAMLError, *_CRASHES) as error:
        deep = isinstance(error, RecursionError)
        plain.add(1, "nested too deeply to be read" if deep else "not readable as YAML")
    else:
        return _only(documents, plain)
    return None


def _problem(error: yaml.MarkedYAMLError) -> str:
    problem = _UNPRINTABLE.sub("?", error.problem or error.context or "it ends too early")
    return "a tab stands where YAML wants spaces" if r"'\t'" in problem else problem


def _only(documents: list[yaml.Node], plain: _Plain) -> yaml.Node | None:
    if not documents:
        plain.add(1, "the file is empty")
    elif len(documents) > 1:
        line = documents[1].start_mark.line + 1
        plain.add(line, "a second document ('---') begins before this line; a file holds one")
    elif not isinstance(documents[0], yaml.MappingNode):
        plain.add(documents[0].start_mark.line + 1, "the file must be a mapping (key: value)")
    else:
        return documents[0]
    return None


def _value(node: yaml.Node, path: Path, plain: _Plain, inside: _Inside) -> Json:
    """The data of one node; notes lines, raw texts and faults on the way."""
    line = node.start_mark.line + 1
    plain.lines.setdefault(path, line)
    plain.nodes += 1
    if plain.nodes > MOST_NODES:
        raise _TooMuchError(
            line, f"holds more than {MOST_NODES} values once its aliases are followed"
        )
    if id(node) in inside:
        raise _TooMuchError(line, "an alias stands inside of what it names")
    inside = (*inside, id(node))
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, plain, inside)
    if isinstance(node, yaml.SequenceNode):
        return _sequence(node, path, plain, inside)
    return _scalar(cast("yaml.ScalarNode", node), path, plain)


def _mapping(node: yaml.MappingNode, path: Path, plain: _Plain, inside: _Inside) -> Json:
    found: dict[str, Json] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = _key(key_node, plain)
        if key is None:
            continue
        if key in found:
            first = plain.lines[(*path, key)]
            plain.add(line, f"the key {key!r} stands here a second time; first in line {first}")
            continue
        plain.lines[(*path, key)] = line
        found[key] = _value(value_node, (*path, key), plain, inside)
    return found


def _key(node: yaml.Node, plain: _Plain) -> str | None:
    line = node.start_mark.line + 1
    kind = node.tag.rpartition(":")[2]
    if not isinstance(node, yaml.ScalarNode):
        plain.add(line, "a key must be text, not a list or a mapping")
    elif kind == "merge":
        plain.add(line, "'<<' (a merge) is not read; write the keys out")
    elif kind in _READ_AS or _octal(node):
        plain.add(line, _quotes(node.value, kind))
        return str(node.value)
    elif kind != "str":
        plain.add(line, f"the key has a tag ({node.tag}); a key must be plain text")
    elif _UNPRINTABLE.search(node.value):
        plain.add(line, "a key holds a character that cannot be printed")
    else:
        return str(node.value)
    return None


def _sequence(node: yaml.SequenceNode, path: Path, plain: _Plain, inside: _Inside) -> Json:
    items: list[Json] = []
    first: dict[str, int] = {}
    for number, item in enumerate(node.value):
        items.append(_value(item, (*path, number), plain, inside))
        if isinstance(item, yaml.ScalarNode):
            line = item.start_mark.line + 1
            if item.value in first:
                plain.add(
                    line, f"{item.value!r} is listed twice; first in line {first[item.value]}"
                )
            first.setdefault(item.value, line)
    return items


def _scalar(node: yaml.ScalarNode, path: Path, plain: _Plain) -> Json:
    line, text = node.start_mark.line + 1, str(node.value)
    kind = node.tag.rpartition(":")[2]
    plain.raw[path] = text
    if _UNPRINTABLE.search(text):
        plain.add(line, "the text holds a character that cannot be printed")
    elif _octal(node):
        plain.add(line, _quotes(text, "int"))
    elif kind in _CONSTRUCT:
        try:
            return _CONSTRUCT[kind](_SCALARS, node)
        except _CRASHES:
            plain.add(line, f"{text!r} cannot be read as {_READ_AS[kind]}")
    elif kind != "str":
        plain.add(line, f"the tag {node.tag!r} is not read; write plain text, lists and mappings")
    return text


_SCALARS = yaml.constructor.SafeConstructor()
_CONSTRUCT = {
    "int": yaml.constructor.SafeConstructor.construct_yaml_int,
    "float": yaml.constructor.SafeConstructor.construct_yaml_float,
    "bool": yaml.constructor.SafeConstructor.construct_yaml_bool,
    "null": yaml.constructor.SafeConstructor.construct_yaml_null,
}


def _octal(node: yaml.ScalarNode) -> bool:
    """Whether digits begin with 0 and have no quotes: octal to YAML 1.1, decimal to 1.2."""
    return node.style is None and bool(re.fullmatch(r"0[0-9_]+", node.value))


def _quotes(text: str, kind: str) -> str:
    if kind == "null":
        return "there is nothing where a text must stand"
    return f"YAML reads {text} as {_READ_AS.get(kind, 'a number')}: put it in quotes"


# --- data to a model -----------------------------------------------------------------------------


def _fault(error: ErrorDetails, plain: _Plain, model: type[BaseModel]) -> Fault:
    """Say what pydantic found, in the words of the file."""
    path: Path = tuple(error["loc"])
    if path and path[-1] == "[key]":
        path = path[:-1]
    line, name = _line(plain.lines, path), _name(path)
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return Fault(line, unknown_word("key", str(path[-1]), _keys_at(model, path[:-1])))
    if kind == "string_type":
        return Fault(line, _not_text(path, name, plain))
    if kind == "value_error":
        return Fault(line, str(context["error"]))
    if kind == "model_type":
        keys = ", ".join(_keys_at(model, path))
        return Fault(line, f"{name} must be a mapping; the keys there are: {keys}")
    template = _MESSAGES.get(kind)
    detail = template.format(**context) if template else f"is not valid: {error['msg']}"
    return Fault(line, f"{name} {detail}")


_MESSAGES = {
    "missing": "is missing",
    "tuple_type": "must be a list (lines that begin with '- ')",
    "dict_type": "must be a mapping (key: value)",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "literal_error": "must be {expected}",
    "too_short": "must have at least {min_length} entry",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
}


def _name(path: Path) -> str:
    words = [step for step in path if isinstance(step, str)]
    if path and isinstance(path[-1], int):
        return f"entry {path[-1] + 1} of {words[-1]!r}"
    return repr(words[-1]) if words else "the file"


def _at(plain: _Plain, path: Path) -> Json:
    value = plain.data
    for step in path:
        value = value[step]
    return value


def _echo(error: ErrorDetails, plain: _Plain) -> bool:
    """Whether a list is only called too short because what stands in it is faulty."""
    return error["type"] == "too_short" and bool(_at(plain, tuple(error["loc"])))


def _not_text(path: Path, name: str, plain: _Plain) -> str:
    value = _at(plain, path)
    if isinstance(value, list | dict):
        return f"{name} must be text, not a {'list' if isinstance(value, list) else 'mapping'}"
    if value is None:
        return f"{name} is empty: give it a text or leave it out"
    return _quotes(plain.raw.get(path, str(value)), "bool" if isinstance(value, bool) else "int")


def unknown_word(what: str, found: str, known: Iterable[str]) -> str:
    """Say that a word is not known, with the nearest that is, or all that are."""
    valid = sorted(known)
    if near := get_close_matches(found, valid, n=1):
        return f"unknown {what} {found!r}; did you mean {near[0]!r}?"
    return f"unknown {what} {found!r}; valid here: {', '.join(valid) or 'none'}"


def _keys_at(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    kind: Any = model
    for step in path:
        kind = _inside(kind, step)
    kind = _model(kind)
    return tuple(kind.model_fields) if kind else ()


def _inside(kind: Any, step: str | int) -> Any:
    """The type behind one step of a path into a model."""
    if owner := _model(kind):
        found = owner.model_fields.get(str(step))
        return found.annotation if found else None
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return arguments[1]
    return arguments[0] if arguments else None


def _model(kind: Any) -> type[BaseModel] | None:
    """The model that a type is, also where it may be None."""
    for candidate in (kind, *(get_args(kind) if get_origin(kind) not in {dict, tuple} else ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
