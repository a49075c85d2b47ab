"""The command `kws`: thin shells around the library, one module a subcommand.

Each module here has `add_parser(subparsers)`, which adds its arguments and sets `run`, and `run(args) -> int`, which
imports what it needs only then: `kws --help` and the tools that need no torch start at once.
"""
