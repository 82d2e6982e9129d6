"""Before the open: whether account, market and machine are as a live day needs them. What was asked is judged here, purely."""
