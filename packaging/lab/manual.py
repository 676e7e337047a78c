#!/usr/bin/env python3
"""Holds parlograph(1) against what the program says: every command and every option of the help stands in the page, and
the page's synopsis and sections name none that the help does not have.

Usage: manual.py PROGRAM PAGE
"""
import re
import subprocess
import sys


def helped(program, *commands):
    """The help of a command: its subcommands and its options."""
    text = subprocess.run(
        [program, *commands, "--help"], check=True, capture_output=True, text=True
    ).stdout
    subcommands, options, section = [], set(), ""
    for line in text.splitlines():
        if re.match(r"^[A-Z ]+:", line):
            section = line.split(":")[0]
        if section.endswith("SUBCOMMANDS"):
            match = re.match(r"^  ([a-z]+)", line)
            if match and match.group(1) != "help":
                subcommands.append(match.group(1))
        elif section == "OPTIONS" and re.match(r"^  -", line):
            options.update(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", line.split("   ")[0]))
    return subcommands, options


def main():
    program, page = sys.argv[1:]
    source = open(page, encoding="utf-8").read()
    # ".Fl -once" and ".Fl o" are options; words are taken with the macros' own arguments around them.
    written = set()
    for line in source.splitlines():
        if line.startswith(".") and "Fl" in line.split():
            words = line.split()
            for at, word in enumerate(words):
                if word == "Fl" and at + 1 < len(words):
                    written.add("-" + words[at + 1])
    commands, known = [], set()

    def walk(*path):
        subcommands, options = helped(program, *path)
        known.update(options)
        if path:
            commands.append(" ".join(path))
        for subcommand in subcommands:
            walk(*path, subcommand)

    walk()
    faults = []
    for option in sorted(known - written):
        faults.append(f"{option} is in the help, but not in the page")
    for option in sorted(written - known):
        faults.append(f"{option} is in the page, but not in the help")
    for command in commands:
        last = command.split()[-1]
        if not re.search(rf"^\.(Ss|Cm|Nm|Op).*\b{last}\b", source, re.MULTILINE):
            faults.append(f"the command {command} is in the help, but not in the page")
    for fault in faults:
        print(fault)
    print(f"parlograph(1) and --help agree: {len(commands)} commands, {len(known)} options")
    return 1 if faults else 0


sys.exit(main())
