#!/usr/bin/env python3
"""Each picture of the documents shows what its source says: docs/pictures/*.svg has the labels of its .dot.

Where Graphviz is installed, the sources are rendered again and nodes, arrows and texts compared. Places and sizes are
not: these depend on Graphviz' version and on fonts.
"""
import html
import pathlib
import re
import shutil
import subprocess
import sys

PICTURES = pathlib.Path(__file__).resolve().parent.parent / "docs" / "pictures"


def labels(source):
    lines = [line for label in re.findall(r'label="([^"]*)"', source) for line in label.split(r"\n")]
    return sorted(line.strip() for line in lines if line.strip())


def texts(picture):
    return sorted(html.unescape(text).replace("\xa0", " ").strip() for text in re.findall(r"<text[^>]*>([^<]*)</text>", picture))


def elements(picture):
    return sorted(html.unescape(title) for title in re.findall(r"<title>([^<]*)</title>", picture))


def faults():
    sources = sorted(PICTURES.glob("*.dot"))
    for source in sources:
        picture = source.with_suffix(".svg").read_text(encoding="utf-8")
        rendered = subprocess.run(["dot", "-Tsvg", source], check=True, capture_output=True, text=True).stdout \
            if shutil.which("dot") else None
        if texts(picture) != labels(source.read_text(encoding="utf-8")) or \
                rendered and (texts(picture), elements(picture)) != (texts(rendered), elements(rendered)):
            yield f"{source.stem}.svg does not show what {source.name} says: run scripts/pictures"
    if {path.stem for path in sources} != {path.stem for path in PICTURES.glob("*.svg")}:
        yield "docs/pictures has a picture without a source"


def main():
    found = list(faults())
    print("\n".join(found) if found else f"{len(list(PICTURES.glob('*.svg')))} pictures")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
