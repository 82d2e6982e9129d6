"""Dated rules of the Indian market, as data."""
