"""Where orders go: the tick-exact simulated broker and the costs it charges."""

if __name__ != "auction_bt.brokers":
    raise ImportError("import auction_bt.brokers, not brokers")
