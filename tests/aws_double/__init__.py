"""A double of the Pulumi provider for AWS: the real engine and SDK, moto and containers behind.

The engine finds ``bin/pulumi-resource-aws`` on the PATH. What it is asked for is checked against
the SDK's own type definitions (``sdk_types``), made by boto3 in a moto server (``kinds/``), and,
where it must be real, made real: an instance is a container that boots by cloud-init
(``machines``), a record reaches the drill's name server (``names``), a bucket lives on versitygw.
``cloud`` starts what is behind it. Everything it does is logged call by call (``account``).
Under a policy every call is judged as IAM would (``asks``, ``judge``), by AWS's own reference of
actions, resources and condition keys (``reference``).
"""
