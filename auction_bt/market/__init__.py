"""The Indian market's rules as data: each with the days it is valid for, its source, and how certain it is."""
