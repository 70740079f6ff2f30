"""Finds what an interpreter was told to run."""

from collections.abc import Container, Sequence


def first_operand(arguments: Sequence[str], with_value: Container[str]) -> int:
    """Return the index of the first argument that is neither an option nor an option's value; -1 where there is none.

    Args:
        arguments: a command line without the program itself.
        with_value: options whose value is the next argument.
    """
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        if argument == "--":
            return index + 1 if index + 1 < len(arguments) else -1
        if not argument.startswith("-") or argument == "-":
            return index
        index += 2 if argument in with_value else 1
    return -1


def option_value(arguments: Sequence[str], *options: str) -> str:
    """Return the value of the first of `options` given, as `--name value` or `--name=value`; else an empty string."""
    for index, argument in enumerate(arguments):
        for option in options:
            if argument == option and index + 1 < len(arguments):
                return arguments[index + 1]
            if argument.startswith(f"{option}="):
                return argument[len(option) + 1 :]
    return ""
