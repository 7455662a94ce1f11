"""What was captured against what came back: counts, contents, and checks on the machine.

The door is :func:`recovery.verify.prove.prove`. Everything here only reads.
"""
