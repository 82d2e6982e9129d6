"""Many runs of the strategy that differ in their settings: planned, run anywhere, kept, and weighed together."""
