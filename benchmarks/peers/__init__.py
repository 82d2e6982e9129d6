"""One workload, run by this project and by other backtesters, each in an environment of its own."""
