"""Ratios against what a user would otherwise do, measured in one run on one machine."""
