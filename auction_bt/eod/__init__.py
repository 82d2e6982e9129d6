"""After the close: the day's account, held against what the broker says of it. What was asked is compared here, purely."""
