"""The broker's instrument master, kept by day: what was listed when, found by words, and what a name means on a day."""
