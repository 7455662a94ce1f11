"""Recovery point in, working server out: the steps, in their order.

The door is :func:`recovery.restore.run_group.run_group`; the Pulumi program and the
command line both go through it.
"""
