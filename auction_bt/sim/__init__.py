"""A simulated Upstox on loopback: an exchange that matches orders against a day's ticks, and the broker's API in front of it."""
