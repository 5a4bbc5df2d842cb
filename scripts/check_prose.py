#!/usr/bin/env python3
"""Plain English: short sentences, short lines, the trade's words.

Checks every Markdown file, manual page, SQL COMMENT and comment of C++: no sentence over 25 words, and none of the
phrases below. A list item and a table cell are read like a paragraph. Code between backquotes counts as one word, a code
block as none. Lines of documents have 120 columns at most, except those of tables and code blocks, and with a link.
"""
import pathlib
import re
import subprocess
import sys

MOST_WORDS = 25
MOST_COLUMNS = 120

# Phrases that make a reader read twice, and what to write instead.
UNWANTED = {
    r"whoever|nobody|somebody|everybody": "name the process, role or person",
    r"is no mistake|is a mistake|tells of|(?:is|are|was) told": "report, reject, ignore, see",
    r"counts no more|no longer(?! than)|formerly|used to be": "say what is true now",
    r"first design|as ever|of ours": "say it plainly",
    r", which an? [a-z -]+ is not": "make it a sentence of its own",
}


def texts():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md", "*.8", "sql/*.sql",
                             "src/*.[ch]pp", "http_frontend/*.[ch]pp"], check=True, capture_output=True, text=True).stdout
    return [pathlib.Path(name) for name in sorted(listed.split()) if pathlib.Path(name).exists()]


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


def comment_paragraphs(text):
    """(line, text) of each paragraph and list item of the comments in C++."""
    paragraph, begin = [], 0
    for number, line in enumerate(text.splitlines() + [""], 1):
        comment = re.match(r"\s*// ?(.*)", line)
        item = comment and re.match(r" *(?:-|\d+\.) (.*)", comment[1])
        if paragraph and (item or not comment or not comment[1].strip()):
            yield begin, " ".join(paragraph)
            paragraph = []
        if comment and comment[1].strip():
            begin = begin if paragraph else number
            paragraph.append(item[1] if item else comment[1].strip())
        elif behind_code := re.search(r"\S  // (.*)", line):
            yield number, behind_code[1]


def sql_comment_paragraphs(text):
    """(line, text) of each COMMENT ON of an SQL script."""
    for comment in re.finditer(r"^COMMENT ON .*? IS\s+((?:'(?:[^']|'')*'\s*)+);", text, re.MULTILINE | re.DOTALL):
        literals = re.findall(r"'((?:[^']|'')*)'(?!')", comment[1])
        yield text.count("\n", 0, comment.start()) + 1, "".join(literals).replace("''", "'")


PARAGRAPHS = {".md": markdown_paragraphs, ".8": manual_paragraphs, ".sql": sql_comment_paragraphs,
              ".hpp": comment_paragraphs, ".cpp": comment_paragraphs}


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
    for number, paragraph in PARAGRAPHS[path.suffix](text):
        for sentence in sentences(paragraph):
            if word_count(sentence) > MOST_WORDS:
                yield number, f"{word_count(sentence)} words: {sentence.strip()}"
        for phrase, remedy in UNWANTED.items():
            for found in re.findall(rf"\b(?:{phrase})\b", re.sub(r"`[^`]*`", "", paragraph), re.IGNORECASE):
                yield number, f'"{found}": {remedy}'


def main():
    paths = [pathlib.Path(name) for name in sys.argv[1:]] or texts()
    faults = [f"{path}:{number}: {fault}" for path in paths for number, fault in faults_of(path)]
    print("\n".join(faults) if faults else f"{len(paths)} files")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
