"""Run the strategy on the live feed: python run_live.py --symbol KEY [--orders paper|none|sim|upstox]."""

import sys

from auction_bt.cli import live_main

if __name__ == "__main__":
    sys.exit(live_main())
