# What every helper and test here shares: polling with a deadline, and the list of secrets that no log may show.
import os
import time

REPOSITORY = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
DEADLINE_S = float(os.environ.get("AUDIT_TEST_DEADLINE_S", "20"))

# Tokens, keys and passwords that a test made or sent. Daemon.stop() looks for each of them in the daemon's log.
SECRETS = set()


def secret(text):
    """Remembers `text` as something that must not be logged, and returns it."""
    if len(text) >= 8:
        SECRETS.add(text)
    return text


def eventually(condition, what, deadline_s=DEADLINE_S):
    """Calls `condition` until it returns something true, and returns that; fails at the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f"not within {deadline_s} s: {what} (last seen: {result!r})"
        time.sleep(0.01)


def pytest_runtest_logreport(report):
    """For a conftest.py: a line for each test, "ok - NAME: FIGURES", with the figures that it has recorded."""
    if report.when == "call" or report.outcome != "passed":
        words = {"passed": "ok", "failed": "not ok", "skipped": "skipped"}
        figures = [str(value) for name, value in report.user_properties if name == "figures"]
        reason = [report.longrepr[2]] if report.skipped else []
        name = report.nodeid.rsplit("::", 1)[-1].removeprefix("test_").replace("_", " ")
        print(f"\n{words[report.outcome]} - {': '.join([name, *figures, *reason])}", flush=True)
