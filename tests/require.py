"""Makes a skip a failure where ``AUCTION_REQUIRE`` (``db,browser``) says that such tests must run here."""

import os

import pytest

NO_DATA = "no recorded data"  # how the reason of a skip for want of it begins
KNOWN = frozenset({"db", "browser", "data"})


def pytest_configure(config):
    required = {name.strip() for name in os.environ.get("AUCTION_REQUIRE", "").split(",") if name.strip()}
    if required - KNOWN:
        wrong = ", ".join(sorted(required - KNOWN))
        raise pytest.UsageError(f"AUCTION_REQUIRE knows {', '.join(sorted(KNOWN))}, not {wrong}")
    config.stash[REQUIRED] = frozenset(required)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    named = [name for name in sorted(item.config.stash[REQUIRED]) if item.get_closest_marker(name)]
    if named and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if NO_DATA in reason and "data" not in named:  # the server is here; what it would be fed is another matter
            return report
        report.outcome = "failed"
        report.longrepr = f"AUCTION_REQUIRE names {', '.join(named)}, so this must run here. {reason}"
    return report


REQUIRED = pytest.StashKey[frozenset]()
