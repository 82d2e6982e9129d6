"""Files from elsewhere into a store: recordings of the feed, and tables (CSV, Parquet) of ticks or 1-minute bars."""
