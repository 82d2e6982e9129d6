"""Candles of the broker's history into a store: asked for in months, paced, resumed, counted."""
