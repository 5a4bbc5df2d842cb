#!/usr/bin/python3
"""No function is longer than 80 lines, counted from its opening to its closing brace.

A rough brace counter, not a parser: enough to see a function grow too long.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_LINES = 80
# What braces do not count in: raw strings, strings, characters, comments, and preprocessor lines.
NOT_CODE = re.compile(
    r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*.*?\*/|^[ \t]*#(?:\\\n|[^\n])*', re.S | re.M
)
SCOPE = re.compile(r'\b(namespace|class|struct|union|enum)\b|^\s*extern\s*$')


def only_code(text):
    """The text with everything else blanked out, line breaks kept."""
    # A digit separator (1'000) is no character literal.
    text = re.sub(r"(?<=\d)'(?=\d)", "", text)
    return NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def functions(code):
    """Yields (line, head, lines) of each block that is neither inside a function nor a namespace or class."""
    line, head, open_blocks = 1, "", []
    for character in code:
        if character == "\n":
            line += 1
        if character == "{":
            in_function = any(is_function for is_function, _, _ in open_blocks)
            is_function = not in_function and ")" in head and not SCOPE.search(head.split("(")[0])
            open_blocks.append((is_function, line, " ".join(head.split())))
            head = ""
        elif character == "}":
            if open_blocks:
                is_function, first, name = open_blocks.pop()
                if is_function:
                    yield first, name, line - first + 1
            head = ""
        elif character == ";":
            head = ""
        else:
            head += character


def main():
    count, too_long = 0, []
    for directory in ("src", "http_frontend"):
        for path in sorted((ROOT / directory).rglob("*.[ch]pp")):
            for line, head, lines in functions(only_code(path.read_text())):
                count += 1
                if lines > MAX_LINES:
                    too_long.append(f"{path.relative_to(ROOT)}:{line}: {lines} lines, at most {MAX_LINES}: {head[-90:]}")
    print("\n".join(too_long), end="\n" if too_long else "")
    if count == 0:
        print("no function found: this check is broken")
    return 1 if too_long or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
