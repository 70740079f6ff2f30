"""Settings declared once as a frozen dataclass, read from flags, environment, a YAML file and defaults, in that order.

@dataclass(frozen=True, slots=True)
class Config:
    listen: Address = option("web.listen-address", Address("", 10177), "Address to listen on.", parse=values.address)
    interval: float = duration("evaluation.interval", 60.0, "Time between evaluations.", least=1.0)
    alertmanagers: tuple[str, ...] = repeated("alertmanager.url", (), "Where to post.", parse=values.url)

config = load(Config, sys.argv[1:], os.environ, "larimar-detector")
"""

import argparse
import dataclasses
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

from toolkit import values
from toolkit.version import version
from toolkit.yamlfile import FileError, read_yaml

T = TypeVar("T")
C = TypeVar("C")

CONFIG_FILE = "config.file"
_PARSERS: tuple[tuple[type, Callable[[str], object]], ...] = (
    (bool, values.boolean),  # before int, which it is a kind of
    (int, values.whole_number),
    (float, values.number),
    (str, str),
    (Path, Path),
)


class SettingsError(FileError):
    """A setting cannot be used; the message names where it came from, its key and the reason."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Option:
    flag: str
    help: str
    parse: Callable[[str], object]
    switch: bool
    repeated: bool
    shown: str
    metavar: str

    @property
    def variable(self) -> str:
        return environment_variable(self.flag)


def environment_variable(flag: str) -> str:
    """Return the environment variable for a flag: `web.listen-address` is `LARIMAR_WEB_LISTEN_ADDRESS`."""
    return "LARIMAR_" + flag.replace(".", "_").replace("-", "_").upper()


def option(
    flag: str,
    default: T,
    help_text: str,
    *,
    parse: Callable[[str], T] | None = None,
    shown: str = "",
    metavar: str = "",
) -> T:
    """Declare one setting as a dataclass field.

    Args:
        flag: its key, without leading dashes: `web.listen-address`.
        default: its value unless it is set; a bool makes `--flag` and `--no-flag`.
        help_text: one sentence for `--help`.
        parse: makes the value from text, ValueError where it cannot; by default from the default's type.
        shown: the default as `--help` shows it; by default its text.
        metavar: what `--help` calls the value; by default the flag's last word.
    """
    parser = parse if parse is not None else _parser_for(default)
    is_switch = isinstance(default, bool)
    text = shown or ("" if default is None else str(default).lower() if is_switch else str(default))
    declared = _Option(flag, help_text, parser, is_switch, False, text, metavar or _metavar(flag))
    return dataclasses.field(default=default, metadata={"option": declared})


def repeated(flag: str, default: tuple[T, ...], help_text: str, *, parse: Callable[[str], T]) -> tuple[T, ...]:
    """Declare a setting of several values: the flag repeated, the variable split at commas, a YAML list."""
    shown = ",".join(map(str, default))
    declared = _Option(flag, f"{help_text} May be repeated.", parse, False, True, shown, _metavar(flag))
    return dataclasses.field(default=default, metadata={"option": declared})


def duration(flag: str, default: float, help_text: str, *, least: float, most: float = math.inf) -> float:
    """Declare a setting in seconds, written as Prometheus does: `30s`, `1h30m`, `14d`."""
    parse = values.within(values.duration_seconds, least, most)
    return option(flag, default, help_text, parse=parse, shown=values.duration_text(default), metavar="DURATION")


def size(flag: str, default: int, help_text: str, *, least: int) -> int:
    """Declare a setting in bytes, written as `64MB` or `32MiB`."""
    parse = values.within(values.size_bytes, least)
    return option(flag, default, help_text, parse=parse, shown=values.size_text(default), metavar="SIZE")


def choice(flag: str, default: str, help_text: str, allowed: Sequence[str]) -> str:
    """Declare a setting that is one of a few words."""
    metavar = "{" + ",".join(allowed) + "}"
    return option(flag, default, help_text, parse=values.choice(*allowed), metavar=metavar)


def load(cls: type[C], argv: Sequence[str], environ: Mapping[str, str], program: str) -> C:
    """Return the settings of `cls`; flags override the environment, which overrides the file and the defaults.

    Raises:
        SettingsError: an unknown key or flag, a value that cannot be read, a file that cannot be read.
        SystemExit: after `--help` or `--version`, status 0.
    """
    fields = _options(cls)
    flags = vars(_argument_parser(cls, program, fields.values()).parse_args(argv))
    found: dict[str, object] = {}
    file = flags.get(CONFIG_FILE) or environ.get(environment_variable(CONFIG_FILE))
    if file:
        found |= _from_file(Path(file), fields)
    for name, declared in fields.items():
        if declared.variable in environ:
            found[name] = _from_environment(declared, environ[declared.variable])
        if declared.flag in flags:
            found[name] = _from_flag(declared, flags[declared.flag])
    try:
        return cls(**found)
    except ValueError as error:  # a __post_init__ that compares settings with each other
        raise SettingsError(str(error)) from error


def load_or_exit(cls: type[C], argv: Sequence[str], environ: Mapping[str, str], program: str) -> C:
    """Like `load`, but a SettingsError becomes one line on standard error and exit status 2."""
    try:
        return load(cls, argv, environ, program)
    except SettingsError as error:
        sys.stderr.write(f"{program}: {error}\n")
        raise SystemExit(2) from error


def _parser_for(default: T) -> Callable[[str], T]:
    for kind, parse in _PARSERS:
        if isinstance(default, kind):
            return cast(Callable[[str], T], parse)
    raise TypeError(f"a setting with a default of {type(default).__name__} needs its parse function")


def _metavar(flag: str) -> str:
    return flag.rpartition(".")[2].rpartition("-")[2].upper()


def _options(cls: type[object]) -> dict[str, _Option]:
    fields = dataclasses.fields(cast(Any, cls))
    return {field.name: field.metadata["option"] for field in fields if "option" in field.metadata}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}; see {self.prog} --help")


def _argument_parser(cls: type[object], program: str, declared: Iterable[_Option]) -> _Parser:
    parser = _Parser(
        prog=program,
        description=(cls.__doc__ or "").partition("\n")[0],
        epilog="Every flag can also be set by an environment variable (--web.config.file by LARIMAR_WEB_CONFIG_FILE) "
        "or in the YAML file that --config.file names, with nested or dotted keys. A flag overrides the environment, "
        "which overrides the file.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--version", action="version", version=f"{program} {version()}")
    parser.add_argument(f"--{CONFIG_FILE}", dest=CONFIG_FILE, metavar="FILE", help="YAML file with these settings.")
    for one in declared:
        help_text = one.help.replace("%", "%%") + (f" Default: {one.shown}.".replace("%", "%%") if one.shown else "")
        if one.switch:
            action = argparse.BooleanOptionalAction
            parser.add_argument(f"--{one.flag}", dest=one.flag, action=action, help=help_text)
        else:
            action_name = "append" if one.repeated else "store"
            parser.add_argument(f"--{one.flag}", dest=one.flag, action=action_name, metavar=one.metavar, help=help_text)
    return parser


def _from_flag(declared: _Option, value: Any) -> object:
    if declared.switch:
        return value
    if declared.repeated:
        return tuple(_parsed(f"--{declared.flag}", declared, text) for text in value)
    return _parsed(f"--{declared.flag}", declared, value)


def _from_environment(declared: _Option, text: str) -> object:
    if declared.repeated:
        return tuple(_parsed(declared.variable, declared, part.strip()) for part in text.split(",") if part.strip())
    return _parsed(declared.variable, declared, text)


def _parsed(where: str, declared: _Option, text: str) -> object:
    try:
        return declared.parse(text)
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from error


def _from_file(path: Path, fields: Mapping[str, _Option]) -> dict[str, object]:
    by_flag = {declared.flag: name for name, declared in fields.items()}
    found: dict[str, object] = {}
    for key, value in _leaves(path, "", _read(path)):
        where = f"{path}: {key}"
        name = by_flag.get(key)
        if name is None:
            raise SettingsError(f"{where}: unknown key")
        if name in found:
            raise SettingsError(f"{where}: given twice")
        found[name] = _from_node(where, fields[name], value)
    return found


def _read(path: Path) -> object:
    try:
        return read_yaml(path)
    except FileError as error:
        raise SettingsError(str(error)) from error


def _leaves(path: Path, prefix: str, node: object) -> Iterator[tuple[str, object]]:
    """Yield dotted keys and their values; an empty file has none."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(path, f"{prefix}.{key}" if prefix else key, value)
    elif prefix:
        yield prefix, node
    elif node != "":
        raise SettingsError(f"{path}: a mapping of keys to values is needed")


def _from_node(where: str, declared: _Option, node: object) -> object:
    if declared.repeated:
        texts = node if isinstance(node, list) else [node]
        return tuple(_parsed(where, declared, _text(where, text)) for text in texts)
    return _parsed(where, declared, _text(where, node))


def _text(where: str, node: object) -> str:
    if not isinstance(node, str):
        raise SettingsError(f"{where}: one plain value is needed, not {type(node).__name__}")
    return node
