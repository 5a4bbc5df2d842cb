#!/usr/bin/env python3
"""Plain English: short sentences, short lines, the trade's words.

Checks every Markdown file and manual page, every comment, and the texts that users see. These are SQL COMMENTs, error
messages, details and hints, and the descriptions of settings and metrics. No sentence has over 25 words, and none has
a phrase of those below. A list item and a table cell are read like a paragraph. Code between backquotes counts as one
word, a code block as none. Lines of documents have 120 columns at most, except those of tables and code blocks, and
with a link.
"""
import ast
import pathlib
import re
import subprocess
import sys

MOST_WORDS = 25
MOST_COLUMNS = 120

# Phrases that make a reader read twice, and what to write instead.
UNWANTED = {
    r"whoever|nobody|somebody|everybody|anybody": "name the process, role or person",
    r"is no mistake|is a mistake|tells?|telling|told": "report, reject, show, distinguish, see",
    r"may well": "may",
    r"counts no more|no longer(?! than)|formerly|used to be": "say what is true now",
    r"first design|as ever|of ours": "say it plainly",
    r", which an? [a-z -]+ is not": "make it a sentence of its own",
}


def files():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", ":!test/fuzz/corpus", ":!*.out", ":!LICENSE"],
                            check=True, capture_output=True, text=True).stdout
    paths = [pathlib.Path(name) for name in sorted(listed.split())]
    return [path for path in paths if path.is_file() and not path.is_symlink() and kind_of(path)]


def kind_of(path):
    """The suffix of files like this one; None: not a file with prose."""
    if path.suffix in PARAGRAPHS:
        return path.suffix
    if path.suffix or path.name == "Makefile":
        return ".sh" if path.name == "Makefile" else None
    with path.open(encoding="utf-8", errors="replace") as file:
        first_line = file.readline()
    return (".py" if "python" in first_line else ".sh") if first_line.startswith("#!") else None


def markdown_paragraphs(text):
    """(line, text) of each paragraph, list item, and table cell."""
    paragraph, begin, in_code = [], 0, False
    for number, line in enumerate(text.splitlines() + [""], 1):
        stripped = line.strip()
        is_fence = stripped.startswith("```")
        is_row = stripped.startswith("|")
        begins_item = re.match(r"([*-]|\d+\.) ", stripped)
        if is_fence or in_code or is_row or begins_item or not stripped or stripped.startswith("#"):
            if paragraph:
                yield begin, " ".join(paragraph)
            paragraph = []
        if is_fence:
            in_code = not in_code
        elif in_code or stripped.startswith("#") or not stripped:
            pass
        elif is_row:
            for cell in re.split(r"(?<!\\)\|", stripped.strip("|")):
                yield number, cell
        else:
            begin = begin if paragraph else number
            paragraph.append(re.sub(r"^([*-]|\d+\.) ", "", stripped) if begins_item else stripped)


def manual_paragraphs(text):
    """(line, text) of each paragraph of a manual page; a macro with text of its own goes on with the paragraph."""
    paragraph, begin, in_example, after_tag = [], 0, False, False
    for number, line in enumerate(text.splitlines() + [".PP"], 1):
        macro, _, rest = line.partition(" ")
        in_example = (in_example or macro == ".EX") and macro != ".EE"
        if macro in (".B", ".I", ".BR", ".RB", ".IR", ".RI", ".BI") or not line.startswith("."):
            if not in_example and not after_tag:
                begin = begin if paragraph else number
                paragraph.append(rest.replace('"', "") if line.startswith(".") else line)
            after_tag = False
            continue
        if paragraph:
            yield begin, " ".join(paragraph)
        paragraph = []
        after_tag = macro == ".TP"


def comment_paragraphs(text, mark="//"):
    """(line, text) of each paragraph and list item of the comments that begin with this mark."""
    paragraph, begin = [], 0
    for number, line in enumerate(text.splitlines() + [""], 1):
        comment = re.match(rf"\s*{mark}(?!!) ?(.*)", line)
        item = comment and re.match(r" *(?:-|\d+\.) (.*)", comment[1])
        if paragraph and (item or not comment or not comment[1].strip()):
            yield begin, " ".join(paragraph)
            paragraph = []
        if comment and comment[1].strip():
            begin = begin if paragraph else number
            paragraph.append(item[1] if item else comment[1].strip())
        elif behind_code := re.search(rf"\S  ?{mark} (.*)", line):
            yield number, behind_code[1]


def literal_paragraphs(text):
    """(line, text) of each string of C++ that is a sentence, adjacent literals joined; SQL and JSON are none."""
    text = re.sub(r"^\s*//.*|  // .*", "", text, flags=re.MULTILINE)
    for found in re.finditer(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*', text):
        literal = "".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', found[0]))
        if re.search(r"[a-z] [a-z]", literal) and not re.search(r"^\s*(SELECT|INSERT|WITH|COPY|\{)|pg_catalog\.", literal):
            yield text.count("\n", 0, found.start()) + 1, re.sub(r"\\[nt]", " ", literal).replace("\\", "")


def cpp_paragraphs(text):
    yield from comment_paragraphs(text)
    yield from literal_paragraphs(text)


def python_paragraphs(text):
    """(line, text) of each paragraph of the comments and docstrings, and the name of each test."""
    yield from comment_paragraphs(text, "#")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.lineno, node.name.replace("_", " ")
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
            yield from ((node.body[0].lineno, paragraph) for paragraph in ast.get_docstring(node).split("\n\n"))


def sql_comment_paragraphs(text):
    """(line, text) of each COMMENT ON, and each message, detail and hint of RAISE."""
    literal = r"(?:'(?:[^']|'')*'\s*)+"
    texts = rf"(?:^COMMENT ON .*? IS|\bRAISE [A-Z]+|\b(?:MESSAGE|DETAIL|HINT) =)\s+({literal})"
    for found in re.finditer(texts, text, re.MULTILINE | re.DOTALL):
        literals = re.findall(r"'((?:[^']|'')*)'(?!')", found[1])
        yield text.count("\n", 0, found.start()) + 1, "".join(literals).replace("''", "'")


def sql_paragraphs(text):
    yield from comment_paragraphs(text, "--")
    yield from sql_comment_paragraphs(text)


def shell_paragraphs(text):
    return comment_paragraphs(text, "#")


PARAGRAPHS = {".md": markdown_paragraphs, ".8": manual_paragraphs, ".sql": sql_paragraphs, ".py": python_paragraphs,
              ".hpp": cpp_paragraphs, ".cpp": cpp_paragraphs}
PARAGRAPHS.update(dict.fromkeys((".sh", ".spec", ".service", ".socket"), shell_paragraphs))


def sentences(text):
    text = re.sub(r"`[^`]*`", "`code`", text)
    text = re.sub(r"!?\[([^]]*)\]\([^)]*\)", lambda link: link[1][:1].upper() + link[1][1:], text)
    text = re.sub(r"\\f[A-Z]|\\&", "", text)
    text = re.sub(r"\b(e\.g|i\.e|etc|no|vs)\.", r"\1", text)
    return re.split(r"(?<=[.!?])[)*\"']*\s+", text)


def word_count(sentence):
    return sum(1 for word in sentence.split() if re.search(r"[A-Za-z0-9]", word))


def faults_of(path):
    text = path.read_text(encoding="utf-8")
    in_code = False
    for number, line in enumerate(text.splitlines() if path.suffix in (".md", ".8") else [], 1):
        in_code ^= line.lstrip().startswith("```")
        if len(line) > MOST_COLUMNS and not in_code and not line.lstrip().startswith("|") and "](" not in line:
            yield number, f"{len(line)} columns"
    for number, paragraph in PARAGRAPHS[kind_of(path)](text):
        for sentence in sentences(paragraph):
            if word_count(sentence) > MOST_WORDS:
                yield number, f"{word_count(sentence)} words: {' '.join(sentence.split())}"
        for phrase, remedy in UNWANTED.items():
            for found in re.findall(rf"\b(?:{phrase})\b", re.sub(r"`[^`]*`", "", paragraph), re.IGNORECASE):
                yield number, f'"{found}": {remedy}'


def main():
    paths = [pathlib.Path(name) for name in sys.argv[1:]] or files()
    faults = [f"{path}:{number}: {fault}" for path in paths for number, fault in faults_of(path)]
    print("\n".join(faults) if faults else f"{len(paths)} files")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
