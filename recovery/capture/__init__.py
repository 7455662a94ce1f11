"""A running server in, a recovery point out.

The door is :func:`recovery.capture.capture_point.capture`. Nothing on the server is
restarted or paused, and what is written there (export zips, a backup) is removed again.
"""
