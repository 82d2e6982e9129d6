"""Where ticks and bars come from: the store, the broker's socket, and the decoder both share."""

if __name__ != "auction_bt.feeds":
    raise ImportError("import auction_bt.feeds, not feeds")
