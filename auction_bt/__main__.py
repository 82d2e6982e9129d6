"""``python -m auction_bt COMMAND``."""

import sys

from auction_bt.cli import main

sys.exit(main())
