"""Commands and flags. Global flags may stand before or after the command."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

GLOBALS: tuple[tuple[tuple[str, ...], Any, str], ...] = (
    (("--config", "-c"), None, "the configuration file"),
    (("--api_config", "-a"), None, "an API client's configuration file"),
    (("--org",), "", "the org concerned"),
    (("--runas",), None, "run a query with this user's rights"),
    (("--logfile",), None, "write log lines to this file as well"),
    (("--tempdir",), None, "folder for temporary files"),
    (("--max_wait",), 10, "seconds after which rows are shown"),
    (("--verbose", "-v"), False, "say more"),
    (("--nocolor",), False, "no colours"),
)
FORMATS = ("text", "json", "csv", "jsonl")


class Parser(argparse.ArgumentParser):
    """Says what is wrong as the real program does, and ends with 1."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"velociraptor: error: {_in_real_words(message)}, try --help\n")
        raise SystemExit(1)


def _in_real_words(message: str) -> str:
    """What is wrong with a command line, as the real program puts it."""
    if match := re.match(r"unrecognized arguments: (\S+)", message):
        word = match[1]
        return f"unknown long flag '{word}'" if word.startswith("-") else f"unexpected {word}"
    if match := re.match(r"argument COMMAND: invalid choice: '(.*?)'", message):
        return f'expected command but got "{match[1]}"'
    if match := re.match(r"argument (--\w+): invalid choice: '(.*?)'", message):
        return f"enum value must be one of {','.join(FORMATS)}, got '{match[2]}'"
    if match := re.match(r"the following arguments are required: (.*)", message):
        names = match[1].split(", ")
        flags = [name for name in names if name.startswith("--")]
        if flags:
            return f"required flag(s) '{flags[0]}' not provided"
        return f"required argument '{names[0]}' not provided"
    return message


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line as a namespace; `command` is the command's words joined by a blank."""
    parser = _parser()
    if not arguments:
        parser.print_help(sys.stderr)
        raise SystemExit(0)
    return parser.parse_args(arguments)


def _parser() -> Parser:
    parser = Parser(prog="velociraptor", description="Reference server and client for drills.")
    _add_globals(parser, inner=False)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _version_and_servers(commands)
    _query(commands)
    _config(_group(commands, "config", "Manipulate the configuration."))
    _accounts(commands)
    _packages(_group(commands, "debian", "Create a Debian package."))
    return parser


def _add_globals(parser: argparse.ArgumentParser, *, inner: bool) -> None:
    """Inner ones leave no default behind: it would hide what stood before the command."""
    for names, default, text in GLOBALS:
        options: dict[str, Any] = {"default": argparse.SUPPRESS if inner else default}
        if isinstance(default, bool):
            options["action"] = "store_true"
        elif isinstance(default, int):
            options["type"] = int
        parser.add_argument(*names, help=argparse.SUPPRESS if inner else text, **options)


def _group(commands: Any, name: str, text: str) -> Any:
    group = commands.add_parser(name, help=text, description=text)
    _add_globals(group, inner=True)
    return group.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)


def _command(commands: Any, name: str, text: str, full: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    _add_globals(parser, inner=True)
    parser.set_defaults(command=full or name)
    return parser


def _version_and_servers(commands: Any) -> None:
    _command(commands, "version", "Report the version and build information.")
    frontend = _command(commands, "frontend", "Run the frontend and the API.")
    for flag in ("--disable_artifact_compression", "--minion", "--disable-panic-guard"):
        frontend.add_argument(flag, action="store_true", help="accepted, without effect")
    frontend.add_argument("--node", help="accepted, without effect")
    client = _command(commands, "client", "Run the client.")
    client.add_argument("--quiet", action="store_true", help="print nothing")
    client.add_argument("--require_admin", action="store_true", help="refuse to run unless root")
    pool = _command(commands, "pool_client", "Run many clients, for load.")
    pool.add_argument("--number", type=int, default=2, help="how many")
    pool.add_argument("--writeback_dir", default=".", help="folder for their writeback files")
    for flag in ("--concurrency", "--start_rate"):
        pool.add_argument(flag, type=int, default=10, help="accepted, without effect")


def _query(commands: Any) -> None:
    query = _command(commands, "query", "Run a VQL query.")
    query.add_argument("queries", nargs="+", help="the queries")
    query.add_argument("--from_files", "-f", action="store_true", help="they are files' names")
    query.add_argument("--format", choices=FORMATS, default="json", help="how rows are shown")
    query.add_argument("--env", action="append", default=[], metavar="KEY=VALUE", help="a name")
    query.add_argument("--timeout", type=float, default=0, help="seconds until it is ended")
    query.add_argument("--output", default="", help="write rows to this file")
    query.add_argument("--cpu_limit", type=float, default=0, help="accepted, without effect")


def _config(commands: Any) -> None:
    for name in ("generate", "show"):
        parser = _command(commands, name, f"{name.title()} a configuration.", f"config {name}")
        parser.add_argument("--merge", action="append", default=[], help="a JSON merge patch")
        parser.add_argument("--merge_file", help="a file with a JSON merge patch")
        parser.add_argument("--patch", action="append", default=[], help="a JSON patch")
        parser.add_argument("--patch_file", help="a file with a JSON patch")
        if name == "show":
            parser.add_argument("--json", action="store_true", help="as JSON")
        else:
            parser.add_argument("--interactive", "-i", action="store_true", help="not here")
    _command(commands, "client", "Dump the client's config.", "config client")
    api = _command(commands, "api_client", "Make an API client's config.", "config api_client")
    api.add_argument("--name", required=True, help="the API client's name")
    api.add_argument("--role", default="", help="roles, separated by commas")
    api.add_argument("output", help="the file to write")
    for name in ("rotate_keys", "reissue_certs"):
        parser = _command(commands, name, "Renew certificates.", f"config {name}")
        parser.add_argument("--validity", type=int, default=0, help="days")


def _accounts(commands: Any) -> None:
    user = _group(commands, "user", "Manage users.")
    add = _command(user, "add", "Add a user, or change the password.", "user add")
    add.add_argument("username")
    add.add_argument("password", nargs="?", help="read from the terminal if not given")
    add.add_argument("--role", required=True, help="roles, separated by commas")
    show = _command(user, "show", "Show a user's record.", "user show")
    show.add_argument("username")
    show.add_argument("--with_hashes", action="store_true", help="with the password's hash")
    acl = _group(commands, "acl", "Manipulate ACLs.")
    grant = _command(acl, "grant", "Grant a principal a policy.", "acl grant")
    grant.add_argument("principal")
    grant.add_argument("policy", nargs="?", default="{}", help="a policy in JSON")
    grant.add_argument("--role", default="", help="roles, separated by commas")
    grant.add_argument("--merge", action="store_true", help="merge with the policy there is")
    policy = _command(acl, "show", "Show a principal's policy.", "acl show")
    policy.add_argument("principal")
    policy.add_argument("--effective", action="store_true", help="with what roles give")
    _command(_group(commands, "org", "Manage orgs."), "ls", "List the orgs.", "org ls")


def _packages(commands: Any) -> None:
    server = _command(commands, "server", "Create a server package.", "debian server")
    server.add_argument("--output", default=".", help="the folder to write it to")
    server.add_argument("--binary", default="", help="the program to pack")
    server.add_argument("--release", default="", help="the package's release number")
