# The report's Markdown, and the list of measures that it ends with.


def table_of(title, header, rows, note=""):
    lines = [f"## {title}", "", "| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1),
             *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]
    if note:
        lines += [note, ""]
    return "\n".join(lines)


def ms(value):
    return f"{value:.3f}"


def ratio(value):
    return f"{value:.2f}"


class Measures:
    """What was aimed at, and what was seen."""

    def __init__(self):
        self._rows = []

    def at_most(self, what, target, seen, remark=""):
        self._add(what, f"at most {target:.3g}", seen, seen <= target, remark)

    def at_least(self, what, target, seen, remark=""):
        self._add(what, f"at least {target:.3g}", seen, seen >= target, remark)

    def worst(self, what, target, seen):
        """`seen`: {case: figure}, each of which should be at most `target`."""
        case = max(seen, key=seen.get)
        reached = sum(value <= target for value in seen.values())
        self.at_most(what, target, seen[case], f"the worst of {len(seen)}: {case}; {reached} reach it" if len(seen) > 1 else "")

    def not_measured(self, what, why):
        self._rows.append([what, "", "not measured", "", why])

    def _add(self, what, target, seen, is_reached, remark):
        self._rows.append([what, target, f"{seen:.3g}", "yes" if is_reached else "**no**", remark])

    def table(self):
        return table_of("Measures", ["measure", "target", "seen", "reached", "remark"], self._rows)
