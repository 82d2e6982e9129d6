"""Run the strategy on stored data: python run_backtest.py --symbol KEY --from-date YYYY-MM-DD --to-date YYYY-MM-DD."""

import sys

from auction_bt.cli import backtest_main

if __name__ == "__main__":
    sys.exit(backtest_main())
