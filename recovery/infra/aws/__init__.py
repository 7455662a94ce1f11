"""The machine, its name and the vault's bucket on AWS: components, without a call in a constructor.

Names are left to Pulumi, which ends each with random digits, so that two stacks never clash.
"""
