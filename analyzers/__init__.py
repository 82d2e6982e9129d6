"""backtrader analyzers on which the summary stands."""

if __name__ != "auction_bt.analyzers":
    raise ImportError("import auction_bt.analyzers, not analyzers")
