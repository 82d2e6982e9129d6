"""A run as a page for the browser: one file that holds everything, and asks nobody for anything."""
