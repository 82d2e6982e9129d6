"""The live engine: what comes in is recorded, routed and decided on, in one order."""
